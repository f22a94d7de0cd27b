'use strict';
'require baseclass';
'require poll';
'require rpc';
'require uci';
'require roamd.parts as parts';
'require roamd.settings as settings';

/* A page with the form of one configuration file, under what is wrong in the file that is there. */

/* Seconds; what is saved is read by the daemon a moment later. */
const PACE = 3;

function status(config) {
	const ask = rpc.declare({ object: config, method: 'status', reject: true });
	return ask().catch(() => ({}));
}

return baseclass.extend({
	load(config) {
		return Promise.all([status(config), uci.load(config)]);
	},

	render(config, caption, description, told) {
		const notices = E('div', { role: 'alert' });
		const draw = found => parts.tell(notices, parts.notices(found));
		draw(told);
		poll.add(() => status(config).then(draw), PACE);
		return settings.map(config, caption, description).render().then(node => E('div', { 'class': 'roamd' }, [
			E('link', { rel: 'stylesheet', href: L.resource('roamd/status.css') }), notices, node
		]));
	}
});
