'use strict';
'require baseclass';
'require roamd.format as format';
'require roamd.plot as plot';

/* The parts of the status page: what the daemon tells in, nodes out.  Text goes into nodes as text, in arrays:
   LuCI takes a bare string for HTML. */

const LEVELS = {
	debug: '· debug',
	info: '· info',
	warning: '! warning',
	error: '✖ error',
	critical: '✖ error'
};

function text(name, words, attributes) {
	return E(name, attributes ?? {}, [words]);
}

/* [class, sign, words] */
function state(uplink) {
	if (uplink.state != 'usable')
		return ['roamd-bad', '✖', uplink.state];
	if (uplink.registration != 'registered')
		return ['roamd-doubtful', '…', uplink.registration];
	if (uplink.path?.suppressed)
		return ['roamd-doubtful', '!', _('set aside: it comes and goes')];
	if (!uplink.path?.carries)
		return ['roamd-bad', '!', _('no answer through it')];
	return ['roamd-good', '✔', _('carries')];
}

function signal(uplink) {
	const found = format.signal(uplink);
	if (!found)
		return [];
	const words = [_('%s %s dBm').format(found.name, found.value)];
	if (uplink.modem?.sinr != null)
		words.push(_('SINR %s dB').format(uplink.modem.sinr));
	return [E('p', {}, [plot.bars(found.bars), words.join(', ')])];
}

function figures(uplink, shares) {
	/* Of what does not stand there are guesses only. */
	const usable = uplink.state == 'usable', path = usable && uplink.path || {};
	const can = way => format.rate(usable ? uplink[way] : null);
	const found = [
		[_('Address'), [[uplink.address, uplink.device].filter(word => word).join(', ') || '–']],
		[_('Can carry down / up'), ['%s / %s'.format(can('bandwidth_down'), can('bandwidth_up'))]],
		[_('Carries now down / up'), ['%s / %s'.format(
			format.rate(shares.sample?.down), format.rate(shares.sample?.up))]],
		[_('Share of traffic now'), [plot.share(shares.traffic), format.percent(shares.traffic)]],
		[_('Share of new flows'), [plot.share(shares.flows), format.percent(shares.flows)]],
		[_('Round trip, loss'), ['%s, %s'.format(format.milliseconds(path.rtt), format.percent(path.loss))]]
	];
	if (uplink.metered || uplink.used != null)
		found.push([uplink.metered ? _('Metered, used') : _('Used'), [format.octets(uplink.used)]]);
	return E('dl', {}, found.flatMap(([name, value]) => [text('dt', name), E('dd', {}, value)]));
}

function table(title, head, rows, none) {
	const cell = (value, place) => text('td', value, {
		'data-title': head[place][0], 'class': head[place][1] ?? ''
	});
	const body = rows.length
		? E('table', { 'class': 'roamd-table' }, [
			E('thead', {}, [E('tr', {}, head.map(([name, kind]) => text('th', name, { scope: 'col', 'class': kind ?? '' })))]),
			E('tbody', {}, rows.map(row => E('tr', {}, row.map(cell))))
		])
		: text('p', none, { 'class': 'roamd-faint' });
	return [text('h3', title), body];
}

return baseclass.extend({
	/* Put nodes into a place.  A screen reader, and who scrolls, is disturbed by what is new only. */
	tell(place, nodes) {
		const said = nodes.map(node => node.textContent).join('');
		if (said != place.textContent || !place.childNodes.length)
			place.replaceChildren(...nodes);
	},

	/* The whole in one line. */
	verdict(status) {
		const uplinks = status.uplinks ?? [], carrying = uplinks.filter(uplink => uplink.path?.carries);
		const words = !uplinks.length
			? _('No uplinks')
			: !carrying.length
				? _('No uplink carries')
				: carrying.length == uplinks.length
					? _('All %d uplinks carry').format(uplinks.length)
					: _('%d of %d uplinks carry').format(carrying.length, uplinks.length);
		const kind = !carrying.length ? 'roamd-bad' : carrying.length < uplinks.length ? 'roamd-doubtful' : 'roamd-good';
		const sign = { 'roamd-bad': '✖', 'roamd-doubtful': '!', 'roamd-good': '✔' }[kind];
		return [text('strong', words, { 'class': 'roamd-state ' + kind, 'data-sign': sign })];
	},

	/* What all uplinks carry, and whose they are. */
	sums(status, sum) {
		return [
			E('span', {}, [text('span', '', { 'class': 'roamd-key' }), _('down %s').format(format.rate(sum.down))]),
			E('span', {}, [text('span', '', { 'class': 'roamd-key roamd-key-up' }), _('up %s').format(format.rate(sum.up))]),
			text('span', status.at_home
				? _('at home')
				: _('%s at home agent %s').format(status.home_address, status.home_agent), { 'class': 'roamd-faint' }),
			text('span', _('running for %s').format(format.span(status.uptime)), { 'class': 'roamd-faint' })
		];
	},

	/* What somebody has to do something about. */
	notices(status) {
		const found = [];
		if (status.config_problem?.length)
			found.push(E('div', { 'class': 'roamd-notice' }, [
				text('strong', _('The configuration has errors; the one before is still in force.')),
				E('ul', {}, status.config_problem.map(problem => E('li', {}, [
					[problem.section, problem.option && _('option %s').format(problem.option), _('line %d').format(problem.line)]
						.filter(word => word).join(', ') + ': ' + problem.message
				])))
			]));
		if (status.problem)
			found.push(E('div', { 'class': 'roamd-notice' }, [text('strong', _('The kernel is not as it should be: ')), status.problem]));
		return found;
	},

	/* What the daemon judges to be wrong, what that means, and what to try next. */
	findings(told) {
		if (!told.findings)
			return [text('p', _('With the package roamd-console it is said here what is wrong, and what to try.'), { 'class': 'roamd-faint' })];
		const rows = (told.findings ?? []).map(finding => E('li', {}, [
			text('strong', '%s %s'.format(finding.level == 'note' ? '·' : finding.level == 'warning' ? '!' : '✖', finding.verdict)),
			text('span', finding.meaning, { 'class': 'roamd-faint' }),
			text('span', _('Try: %s').format(finding.next))
		]));
		return rows.length ? [text('h3', _('What to do')), E('ul', { 'class': 'roamd-findings' }, rows)] : [];
	},

	/* One uplink.  `shares`: { sample, traffic, flows }. */
	card(uplink, shares, samples, at, span) {
		const [kind, sign, words] = state(uplink);
		return E('article', { 'class': 'roamd-card', 'aria-label': uplink.name }, [
			E('div', { 'class': 'roamd-head' }, [
				text('h4', uplink.name),
				text('span', words, { 'class': 'roamd-state ' + kind, 'data-sign': sign })
			]),
			text('p', format.technology(uplink)),
			...signal(uplink),
			...(uplink.detail ? [text('p', uplink.detail, { 'class': 'roamd-faint' })] : []),
			plot.rates(uplink.name, samples, at, span),
			figures(uplink, shares)
		]);
	},

	tunnels(status) {
		const names = Object.fromEntries((status.uplinks ?? []).map(uplink => [uplink.bid, uplink.name]));
		const head = [
			[_('Device')], [_('Uplink')], [_('Kind')], [_('From')], [_('To')], [_('MTU'), 'roamd-number'],
			[_('Received'), 'roamd-number'], [_('Sent'), 'roamd-number'], [_('Dropped'), 'roamd-number']
		];
		return table(_('Tunnels'), head, (status.tunnels ?? []).map(tunnel => [
			tunnel.device, names[tunnel.bid] ?? '–', tunnel.encapsulation, tunnel.local, tunnel.remote, tunnel.mtu,
			format.octets(tunnel.rx_bytes), format.octets(tunnel.tx_bytes), tunnel.dropped
		]), _('No tunnel stands.'));
	},

	policies(status) {
		const head = [[_('Policy')], [_('Action')], [_('Goes by')]];
		const rows = (status.flows?.policies ?? []).map(policy => [
			policy.name, [policy.action, ...policy.uplinks].join(' '),
			policy.asleep ? _('not at this time') : policy.path ?? (policy.action == 'drop' ? _('nowhere') : policy.members.join(', '))
		]);
		return rows.length ? table(_('Flow policies'), head, rows, '') : [];
	},

	flows(told) {
		const head = [
			[_('Protocol')], [_('From')], [_('To')], [_('Uplink')], [_('Why')], [_('Down'), 'roamd-number'],
			[_('Up'), 'roamd-number'], [_('Age'), 'roamd-number']
		];
		const title = _('Flows: %d active, %d known').format(told.active ?? 0, told.tracked ?? 0);
		return table(title, head, (told.flows ?? []).map(flow => [
			flow.protocol, flow.source, flow.destination, flow.path, flow.why, format.rate(flow.down), format.rate(flow.up),
			format.span(flow.age)
		]), _('Nothing is under way.'));
	},

	/* The newest first. */
	events(told) {
		const rows = (told.events ?? []).slice().reverse().map(event => E('li', {}, [
			E('time', { datetime: new Date(event.wall * 1000).toISOString() }, [format.clock(event.wall)]),
			text('span', LEVELS[event.level] ?? event.level),
			text('span', event.text)
		]));
		return rows.length ? rows : [text('li', _('Nothing yet.'))];
	}
});
