'use strict';
'require view';
'require roamd.page as page';

return view.extend({
	load() {
		return page.load('roamd-agent');
	},

	render([status]) {
		return page.render('roamd-agent', _('Home and foreign agent'), _('Empty fields have their default.'), status);
	}
});
