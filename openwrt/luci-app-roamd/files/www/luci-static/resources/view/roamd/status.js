'use strict';
'require view';
'require poll';
'require rpc';
'require roamd.history as history';
'require roamd.parts as parts';

/* Seconds between two looks. */
const PACE = 2;

const ask = (method, params) => rpc.declare({ object: 'roamd', method: method, params: params ?? [], reject: true });
const status = ask('status'), flows = ask('flows', ['limit']), events = ask('events', ['limit']), before = ask('history'), summary = ask('summary');

function share(part, whole) {
	return whole > 0 ? part / whole : null;
}

return view.extend({
	load() {
		return Promise.all([this.look(), before().catch(() => ({}))]);
	},

	/* What the daemon tells; `missing` where it does not answer.  One that starts answers `status` alone. */
	look() {
		const rest = [flows(20), events(50), summary()].map(answer => answer.catch(() => ({})));
		return Promise.all([status(), ...rest]).then(
			([told, moving, happened, judged]) => ({ status: told, flows: moving, events: happened, summary: judged }),
			error => ({ missing: error }));
	},

	render([found, remembered]) {
		history.begin(Date.now() / 1000, remembered.history ?? []);
		this.places = {
			notices: E('div', { role: 'alert' }),
			/* Said aloud when it changes; the figures beside it are not. */
			verdict: E('span', { role: 'status' }),
			sums: E('span', { 'class': 'roamd-sums' }),
			cards: E('div', { 'class': 'roamd-cards' }),
			findings: E('section'),
			events: E('ul', { 'class': 'roamd-events', tabindex: '0', 'aria-label': _('What happened') }),
			flows: E('section'),
			tunnels: E('section'),
			policies: E('section')
		};
		const places = this.places;
		places.rest = E('div', {}, [
			E('div', { 'class': 'roamd-verdict' }, [places.verdict, places.sums]),
			places.cards, places.findings,
			E('h3', {}, [_('What happened')]),
			places.events, places.flows, places.policies, places.tunnels
		]);
		this.draw(found);
		poll.add(() => this.look().then(told => this.draw(told)), PACE);
		return E('div', { 'class': 'roamd' }, [
			E('link', { rel: 'stylesheet', href: L.resource('roamd/status.css') }),
			E('h2', {}, [_('Mobile router')]),
			places.notices, places.rest
		]);
	},

	draw(found) {
		const places = this.places;
		places.rest.hidden = Boolean(found.missing);
		if (found.missing) {
			places.notices.replaceChildren(E('div', { 'class': 'roamd-notice' }, [
				E('strong', {}, [_('roamd does not answer.')]), ' ',
				_('Is home_agent set in the configuration, and the service started? The log says why it is not: logread -e roamd'),
				E('p', { 'class': 'roamd-faint' }, [found.missing.message])
			]));
			return;
		}
		const told = found.status, at = Date.now() / 1000, uplinks = told.uplinks ?? [];
		history.take(at, told.tunnels ?? []);
		const samples = uplinks.map(uplink => history.last(uplink.bid));
		const sum = way => samples.reduce((total, sample) => total + (sample?.[way] ?? 0), 0);
		const total = { down: sum('down'), up: sum('up') };
		parts.tell(places.notices, parts.notices(told));
		parts.tell(places.verdict, parts.verdict(told));
		parts.tell(places.sums, parts.sums(told, total));
		places.cards.replaceChildren(...uplinks.map((uplink, place) => {
			const sample = samples[place], buckets = told.flows?.buckets?.[uplink.name] ?? 0;
			const shares = {
				sample: sample,
				traffic: share((sample?.down ?? 0) + (sample?.up ?? 0), total.down + total.up),
				flows: told.flows ? share(buckets, told.flows.size) : null
			};
			return parts.card(uplink, shares, history.of(uplink.bid), at, history.span);
		}));
		parts.tell(places.findings, parts.findings(found.summary));
		parts.tell(places.events, parts.events(found.events));
		places.flows.replaceChildren(...parts.flows(found.flows));
		places.policies.replaceChildren(...parts.policies(told));
		places.tunnels.replaceChildren(...parts.tunnels(told));
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null
});
