'use strict';
'require baseclass';
'require rpc';
'require uci';
'require roamd.parts as parts';
'require roamd.settings as settings';

/* A page with the form of one configuration file, under what is wrong in the file that is there. */

return baseclass.extend({
	load(config) {
		const status = rpc.declare({ object: config, method: 'status', reject: true });
		return Promise.all([status().catch(() => ({})), uci.load(config)]);
	},

	render(config, caption, description, status) {
		return settings.map(config, caption, description).render().then(node => E('div', { 'class': 'roamd' }, [
			E('link', { rel: 'stylesheet', href: L.resource('roamd/status.css') }),
			E('div', { role: 'alert' }, parts.notices(status)),
			node
		]));
	}
});
