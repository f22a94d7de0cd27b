'use strict';
'require baseclass';
'require form';
'require uci';
'require roamd.options as options';

/* Forms for every section and option that the daemon's schema has.  This module says only where they stand. */

const TITLES = {
	roamd: _('Daemon'),
	mobile_node: _('Mobile node'),
	home_agent: _('Home agent'),
	foreign_agent: _('Foreign agent'),
	uplink: _('Uplinks'),
	flow: _('Flow policies'),
	led: _('LEDs'),
	console: _('Consoles'),
	peer: _('Other agents'),
	mobile: _('Mobile nodes'),
	visitor: _('Visitors'),
	home_network: _('Home networks')
};

/* The options that most people need, by section; the others are behind a tab of their own.  Where nothing
   stands here, all are shown at once. */
const BASIC = {
	mobile_node: ['home_address', 'home_agent', 'spi', 'key', 'algorithm', 'mobile_network', 'lan_device'],
	home_agent: ['address', 'max_lifetime', 'udp_tunnel', 'device'],
	foreign_agent: ['device', 'care_of_address', 'max_lifetime', 'challenge'],
	uplink: ['enabled', 'type', 'network', 'device', 'metered', 'cap', 'cap_day', 'bandwidth'],
	flow: ['enabled', 'action', 'uplink', 'proto', 'src_prefix', 'dest_prefix', 'dest_port', 'in_device']
};
const MODEM = [
	'tty', 'usb', 'imei', 'session', 'cid', 'apn', 'auth', 'username', 'password', 'addressing', 'pin', 'roaming'
];
const SHORT = [
	'aaa', 'apn', 'bid', 'cid', 'dscp', 'fou', 'gre', 'imei', 'lan', 'mac', 'mtu', 'nai', 'nat', 'pin', 'spi', 'tty', 'udp', 'usb'
];
const TRUE = ['1', 'on', 'true', 'yes', 'enabled'];

function sentence(words) {
	return words[0].toUpperCase() + words.slice(1);
}

function title(name) {
	const words = name.split('_').map(word => SHORT.includes(word) ? word.toUpperCase() : word);
	return sentence(words.join(' '));
}

/* LuCI takes descriptions for HTML. */
function shown(words) {
	return '%h'.format(sentence(words));
}

function help(option) {
	const words = [_(option.help)];
	if (option.allowed && !option.choices.length && option.kind != 'boolean')
		words.push(option.allowed);
	if (option.default != null && option.kind != 'boolean' && !option.choices.length)
		words.push(_('default: %s').format(option.default));
	return shown(words.join('; '));
}

function tab(spec, option) {
	if (spec.type == 'uplink' && MODEM.includes(option.name))
		return 'modem';
	return BASIC[spec.type].includes(option.name) ? 'basic' : 'other';
}

function kind(option) {
	if (option.list)
		return form.DynamicList;
	if (option.kind == 'boolean')
		return form.Flag;
	return option.choices.length ? form.ListValue : form.Value;
}

function boolean(field, config, option) {
	field.default = option.default ?? '0';
	/* The daemon knows more words for it than the form. */
	field.load = function(section_id) {
		const value = uci.get(config, section_id, option.name);
		return value == null ? null : TRUE.includes(value) ? '1' : '0';
	};
}

function add(section, config, spec, option) {
	const words = [kind(option), option.name, title(option.name), help(option)];
	const field = BASIC[spec.type] ? section.taboption(tab(spec, option), ...words) : section.option(...words);
	if (option.kind == 'boolean')
		return boolean(field, config, option);
	for (const choice of option.choices)
		field.value(choice);
	if (option.kind == 'name')
		uci.sections(config, option.name, known => field.value(known['.name']));
	if (!option.choices.length)
		field.datatype = option.datatype;
	if (option.pattern) {
		const whole = new RegExp(`^(?:${option.pattern})$`);
		field.validate = (section_id, value) => !value || whole.test(value) || _('expected %s').format(option.allowed);
	}
	field.rmempty = !option.required;
	field.optional = !option.required;
	/* An empty choice stands beside one of the same name. */
	if (option.default != null)
		field.placeholder = option.choices.length ? _('default: %s').format(option.default) : option.default;
	field.password = option.secret;
	if (spec.type == 'uplink' && MODEM.includes(option.name))
		field.depends('type', 'cellular');
	return field;
}

function tabs(section, spec) {
	if (!BASIC[spec.type])
		return;
	section.tab('basic', _('General'));
	if (spec.type == 'uplink')
		section.tab('modem', _('Modem'));
	section.tab('other', _('More'));
}

return baseclass.extend({
	/* A form for /etc/config/`config`. */
	map(config, caption, description) {
		const map = new form.Map(config, caption, description);
		map.tabbed = true;
		/* What the daemon itself wants is of the least interest. */
		const last = spec => spec.type == 'roamd';
		for (const spec of options[config].filter(spec => !last(spec)).concat(options[config].filter(last))) {
			const section = map.section(form.TypedSection, spec.type, TITLES[spec.type] ?? title(spec.type), shown(_(spec.help)));
			section.anonymous = !spec.named;
			section.addremove = !spec.single || !uci.sections(config, spec.type).length;
			tabs(section, spec);
			for (const option of spec.options)
				add(section, config, spec, option);
		}
		return map;
	}
});
