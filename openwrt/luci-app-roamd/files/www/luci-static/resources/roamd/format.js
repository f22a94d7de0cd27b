'use strict';
'require baseclass';

/* Figures as people read them, and what a signal is worth. */

const MISSING = '–';

/* dBm from which on a signal is worth 4, 3, 2 or 1 bars. */
const STEPS = {
	wifi: [-55, -65, -72, -80],
	rsrp: [-90, -100, -110, -120],
	rscp: [-75, -85, -95, -105],
	rssi: [-65, -75, -85, -95]
};

function scaled(value, units) {
	let place = 0;
	while (value >= 1000 && place < units.length - 1) {
		value /= 1000;
		place++;
	}
	return '%s %s'.format(value.toFixed(value < 10 && place ? 1 : 0), units[place]);
}

return baseclass.extend({
	/* kbit/s */
	rate(kbit) {
		return kbit == null ? MISSING : scaled(kbit, ['kbit/s', 'Mbit/s', 'Gbit/s']);
	},

	octets(count) {
		return count == null ? MISSING : scaled(count, ['B', 'kB', 'MB', 'GB', 'TB']);
	},

	milliseconds(value) {
		return value == null ? MISSING : '%s ms'.format(value < 10 ? value.toFixed(1) : value.toFixed(0));
	},

	percent(part) {
		return part == null ? MISSING : '%s %%'.format(Math.round(part * 100));
	},

	/* seconds */
	span(seconds) {
		if (seconds == null)
			return MISSING;
		if (seconds < 60)
			return '%d s'.format(seconds);
		if (seconds < 3600)
			return '%d min %d s'.format(seconds / 60, seconds % 60);
		if (seconds < 86400)
			return '%d h %d min'.format(seconds / 3600, seconds % 3600 / 60);
		return '%d d %d h'.format(seconds / 86400, seconds % 86400 / 3600);
	},

	/* seconds since 1970 */
	clock(wall) {
		return new Date(wall * 1000).toLocaleTimeString();
	},

	/* Of an uplink, { name, value, bars }; null where nothing is known. */
	signal(uplink) {
		const told = uplink.wifi ? { wifi: uplink.wifi.signal } : (uplink.modem ?? {});
		const kind = Object.keys(STEPS).find(name => told[name] != null);
		if (kind == null)
			return null;
		return {
			name: kind == 'wifi' ? _('signal') : kind.toUpperCase(),
			value: told[kind],
			bars: STEPS[kind].filter(step => told[kind] >= step).length
		};
	},

	/* Of an uplink, `LTE B3, Testnet`, or an SSID, or the kind of link. */
	technology(uplink) {
		const modem = uplink.modem, wifi = uplink.wifi;
		if (wifi?.ssid)
			return _('Wi-Fi') + ' ' + wifi.ssid;
		if (modem?.technology) {
			const names = { 'GSM': '2G', 'UTRAN': '3G', 'E-UTRAN': 'LTE', 'EN-DC': '5G NSA', 'NR': '5G' };
			const words = [names[modem.technology] ?? modem.technology, modem.band].filter(word => word);
			return [words.join(' '), modem.operator].filter(word => word).join(', ');
		}
		if (modem?.state && modem.state != 'registered')
			return _('modem: %s').format(modem.state);
		return { wifi: _('Wi-Fi'), cellular: _('cellular'), ethernet: _('Ethernet') }[uplink.kind] ?? uplink.kind;
	}
});
