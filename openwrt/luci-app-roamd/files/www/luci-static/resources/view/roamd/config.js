'use strict';
'require view';
'require roamd.page as page';

return view.extend({
	load() {
		return page.load('roamd');
	},

	render([status]) {
		return page.render('roamd', _('Mobile router'),
			_('The home agent\'s operator gives you home address, home agent, SPI and key. Empty fields have their default.'), status);
	}
});
