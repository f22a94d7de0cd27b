'use strict';
'require baseclass';

/* What each path has carried in the last minutes, from the counters of its tunnel. */

const SPAN = 300;
/* Where they outlive a look at another page. */
const KEPT = 'roamd.history';

function restored() {
	try {
		const found = Object.entries(JSON.parse(window.sessionStorage.getItem(KEPT)) ?? {});
		return Object.fromEntries(found.filter(([, samples]) => Array.isArray(samples)));
	} catch (error) {
		/* A browser may forbid it, or somebody else have written there. */
		return {};
	}
}

function keep(samples) {
	try {
		window.sessionStorage.setItem(KEPT, JSON.stringify(samples));
	} catch (error) {
		/* Forbidden or full: they last as long as the page. */
	}
}

return baseclass.extend({
	span: SPAN,

	__init__() {
		this.samples = restored();
		this.before = {};
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
		keep(this.samples);
	},

	/* { at, down, up } in kbit/s; null where the counters began anew. */
	difference(before, now) {
		if (!before || now.at <= before.at || now.down < before.down || now.up < before.up)
			return null;
		const rate = (later, sooner) => (later - sooner) * 8 / 1000 / (now.at - before.at);
		return { at: now.at, down: rate(now.down, before.down), up: rate(now.up, before.up) };
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
