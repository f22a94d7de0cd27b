'use strict';
'require baseclass';

/* What each path has carried in the last minutes: at first as the daemon remembers it, then from the counters of
   its tunnel.  A sample is { at, over, down, up }: seconds at its end, how many it covers, kbit/s. */

const SPAN = 300;

return baseclass.extend({
	span: SPAN,

	__init__() {
		this.samples = {};
		this.before = {};
	},

	/* What the daemon's `history` tells, at a time in seconds. */
	begin(at, told) {
		for (const path of told)
			this.samples[path.bid] = path.rates.map(([ago, over, down, up]) => ({ at: at - ago, over: over, down: down, up: up }));
	},

	/* Tunnels as `status` has them, at a time in seconds. */
	take(at, tunnels) {
		const now = {};
		for (const tunnel of tunnels) {
			const seen = now[tunnel.bid] ?? { at: at, down: 0, up: 0 };
			seen.down += tunnel.rx_bytes;
			seen.up += tunnel.tx_bytes;
			now[tunnel.bid] = seen;
		}
		for (const bid in now) {
			const kept = this.samples[bid] ??= [], sample = this.difference(this.before[bid], now[bid]);
			if (sample)
				kept.push(sample);
		}
		for (const bid in this.samples)
			this.samples[bid] = this.samples[bid].filter(sample => sample.at >= at - SPAN);
		this.before = now;
	},

	/* A sample; null where the counters began anew. */
	difference(before, now) {
		if (!before || now.at <= before.at || now.down < before.down || now.up < before.up)
			return null;
		const rate = (later, sooner) => (later - sooner) * 8 / 1000 / (now.at - before.at);
		return { at: now.at, over: now.at - before.at, down: rate(now.down, before.down), up: rate(now.up, before.up) };
	},

	of(bid) {
		return this.samples[bid] ?? [];
	},

	/* The last sample, unless it is older than the last look. */
	last(bid) {
		const sample = this.of(bid).at(-1);
		return sample && sample.at == this.before[bid]?.at ? sample : null;
	}
});
