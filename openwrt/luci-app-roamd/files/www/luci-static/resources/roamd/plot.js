'use strict';
'require baseclass';
'require roamd.format as format';

/* Pictures, in SVG.  Lines differ by their dashes and bars by their height, not by colour alone. */

const WIDTH = 300, HEIGHT = 72, TOP = 4;
/* Seconds that no sample covers, and that leave a gap in the line. */
const GAP = 2;

function svg(name, attributes, children) {
	const node = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const key in attributes)
		node.setAttribute(key, attributes[key]);
	node.append(...(children ?? []));
	return node;
}

/* A round number that is not below `peak`, of 1, 2 or 5 and noughts; kbit/s. */
function ceiling(peak) {
	const power = Math.pow(10, Math.floor(Math.log10(Math.max(peak, 10))));
	return [1, 2, 5, 10].map(digit => digit * power).find(value => value >= peak);
}

function runs(samples) {
	const found = [];
	let last = -Infinity;
	for (const sample of samples) {
		if (sample.at - sample.over - last > GAP)
			found.push([]);
		found.at(-1).push(sample);
		last = sample.at;
	}
	return found;
}

return baseclass.extend({
	/* What came and went in the last `span` seconds. */
	rates(name, samples, at, span) {
		const peak = Math.max(0, ...samples.map(sample => Math.max(sample.down, sample.up)));
		const top = ceiling(peak);
		const x = sample => (WIDTH * (1 - (at - sample.at) / span)).toFixed(1);
		const y = value => (HEIGHT - (HEIGHT - TOP) * value / top).toFixed(1);
		const line = (run, way) => run.map(sample => `${x(sample)},${y(sample[way])}`).join(' ');
		const shapes = [1, 0.5].map(part => svg('line', {
			'class': 'roamd-grid', x1: 0, x2: WIDTH, y1: y(top * part), y2: y(top * part)
		}));
		for (const run of runs(samples)) {
			const foot = `${x(run.at(-1))},${HEIGHT} ${x(run[0])},${HEIGHT}`;
			shapes.push(
				svg('polygon', { 'class': 'roamd-area', points: `${line(run, 'down')} ${foot}` }),
				svg('polyline', { 'class': 'roamd-down', points: line(run, 'down') }),
				svg('polyline', { 'class': 'roamd-up', points: line(run, 'up') })
			);
		}
		const now = samples.at(-1);
		const said = _('%s, last %d minutes: down now %s, up now %s, most %s').format(
			name, span / 60, format.rate(now?.down), format.rate(now?.up), format.rate(peak));
		return E('figure', { 'class': 'roamd-plot' }, [
			svg('svg', {
				viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': said
			}, shapes),
			E('figcaption', {}, [
				E('span', {}, [_('%d min ago').format(span / 60)]),
				E('span', {}, [_('top line: %s').format(format.rate(top))]),
				E('span', {}, [_('now')])
			])
		]);
	},

	/* Four bars, so many of them full. */
	bars(count) {
		const bar = place => svg('rect', {
			'class': place < count ? 'roamd-full' : 'roamd-empty',
			x: place * 6, y: 12 - 3 * place, width: 4, height: 4 + 3 * place
		});
		return svg('svg', {
			'class': 'roamd-bars', viewBox: '0 0 22 16', role: 'img', 'aria-label': _('%d of 4 bars').format(count)
		}, [0, 1, 2, 3].map(bar));
	},

	/* A part of the whole, 0 to 1; the figure stands beside it. */
	share(part) {
		return svg('svg', {
			'class': 'roamd-share', viewBox: '0 0 100 8', preserveAspectRatio: 'none', 'aria-hidden': 'true'
		}, [
			svg('rect', { 'class': 'roamd-empty', x: 0, y: 0, width: 100, height: 8 }),
			svg('rect', { 'class': 'roamd-full', x: 0, y: 0, width: 100 * Math.min(1, part ?? 0), height: 8 })
		]);
	}
});
