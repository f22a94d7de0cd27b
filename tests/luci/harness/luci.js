/* A stand-in for the part of LuCI's runtime that roamd's views use, for tests and development.  Own work after the public
   documentation of its API (tests/luci/api.toml lists what there is).  Where LuCI is hazardous, so is this:
   a bare string given to E() is HTML. */
'use strict';
(() => {
	const escaped = value => String(value ?? '').replace(/[&<>"']/g, sign => `&#${sign.charCodeAt(0)};`);

	String.prototype.format = function(...args) {
		return this.replace(/%(?:\.(\d+))?([%dsfh])/g, (whole, digits, type) => {
			if (type == '%')
				return '%';
			const value = args.shift();
			return {
				d: () => String(Math.floor(Number(value) || 0)),
				f: () => Number(value).toFixed(digits ?? 6),
				s: () => value == null ? '' : String(value),
				h: () => escaped(value)
			}[type]();
		});
	};

	window._ = text => text;

	function append(node, children) {
		if (Array.isArray(children))
			for (const child of children)
				node.append(child instanceof Node ? child : document.createTextNode(String(child ?? '')));
		else if (children instanceof Node)
			node.append(children);
		else if (children != null)
			node.innerHTML = String(children);
	}

	const E = (name, attributes, children) => {
		const node = document.createElement(name);
		if (attributes instanceof Node || Array.isArray(attributes) || typeof attributes == 'string')
			[attributes, children] = [{}, attributes];
		for (const [key, value] of Object.entries(attributes ?? {}))
			if (typeof value == 'function')
				node.addEventListener(key, value);
			else if (value != null)
				node.setAttribute(key, value);
		append(node, children);
		return node;
	};

	/* What is data would become HTML here: a view's text stands in an array. */
	window.E = (name, attributes, children) => {
		if (typeof children == 'string')
			throw new TypeError(`E('${name}') of a bare string: ${children}`);
		return E(name, attributes, children);
	};

	class Base {
		constructor(...args) {
			this.__init__?.(...args);
		}
		static extend(members) {
			const made = class extends this {};
			Object.assign(made.prototype, members);
			return made;
		}
	}

	/* poll */

	const poll = {
		queue: [],
		add(fn, interval) {
			this.queue.push(setInterval(fn, (interval ?? 5) * 1000));
			return true;
		}
	};

	/* rpc */

	let number = 0;

	async function call(object, method, args) {
		const answer = await fetch('/ubus', {
			method: 'POST',
			headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({
				jsonrpc: '2.0', id: ++number, method: 'call', params: [window.harness.session, object, method, args]
			})
		});
		const told = await answer.json();
		if (told.error)
			throw new Error(`RPC call to ${object}/${method} failed with error ${told.error.code}: ${told.error.message}`);
		return told.result;
	}

	const rpc = {
		declare(options) {
			return async (...args) => {
				const named = Object.fromEntries((options.params ?? []).map((name, place) => [name, args[place]]));
				const [code, data] = await call(options.object, options.method, named);
				if (code && options.reject)
					throw new Error(`RPC call to ${options.object}/${options.method} failed with ubus code ${code}`);
				if (!options.expect)
					return data ?? code;
				const [[key, fallback]] = Object.entries(options.expect);
				return (key ? data?.[key] : data) ?? fallback;
			};
		}
	};

	/* uci */

	const uci = {
		values: {}, edits: {}, created: 0,
		async load(config) {
			if (!this.values[config]) {
				const [, data] = await call('uci', 'get', { config });
				this.values[config] = data?.values ?? {};
				this.edits[config] = [];
			}
			return config;
		},
		sections(config, type, each) {
			const found = Object.values(this.values[config] ?? {})
				.filter(section => !type || section['.type'] == type)
				.sort((one, other) => one['.index'] - other['.index']);
			if (each)
				found.forEach(section => each(section, section['.name']));
			return found;
		},
		get(config, section_id, option) {
			return this.values[config]?.[section_id]?.[option];
		},
		set(config, section_id, option, value) {
			this.values[config][section_id][option] = value;
			this.edits[config].push(['set', { config, section: section_id, values: { [option]: value } }]);
		},
		unset(config, section_id, option) {
			delete this.values[config][section_id][option];
			this.edits[config].push(['delete', { config, section: section_id, options: [option] }]);
		},
		add(config, type, name) {
			const section_id = name ?? `new${++this.created}`;
			this.values[config][section_id] = {
				'.type': type, '.name': section_id, '.anonymous': !name, '.index': Object.keys(this.values[config]).length
			};
			this.edits[config].push(['add', { config, type, name }]);
			return section_id;
		},
		remove(config, section_id) {
			delete this.values[config][section_id];
			this.edits[config].push(['delete', { config, section: section_id }]);
		},
		async save() {
			const renamed = {};
			for (const config in this.edits) {
				for (const [method, args] of this.edits[config]) {
					args.section = renamed[args.section] ?? args.section;
					const [code, data] = await call('uci', method, args);
					if (code)
						throw new Error(`uci ${method}: ubus code ${code}`);
					if (method == 'add' && !args.name)
						renamed[`new${Object.keys(renamed).length + 1}`] = data.section;
				}
				this.edits[config] = [];
			}
		},
		async apply(timeout) {
			await call('uci', 'apply', { rollback: true, timeout });
			await call('uci', 'confirm', {});
		}
	};

	/* validation: the datatypes of the schema */

	const between = (value, low, high) => /^-?\d+$/.test(value) && +value >= +low && +value <= +high;
	const ip4 = value => /^\d+(\.\d+){3}$/.test(value) && value.split('.').every(part => between(part, 0, 255));
	const types = {
		string: () => true,
		bool: value => /^(0|1|on|off|true|false|yes|no|enabled|disabled)$/.test(value),
		uinteger: value => /^\d+$/.test(value),
		range: (value, low, high) => between(value, low, high),
		min: (value, low) => +value >= +low,
		max: (value, high) => +value <= +high,
		minlength: (value, low) => value.length >= +low,
		maxlength: (value, high) => value.length <= +high,
		rangelength: (value, low, high) => value.length >= +low && value.length <= +high,
		ip4addr: ip4,
		cidr4: value => { const [address, length] = value.split('/'); return ip4(address) && between(length ?? '', 0, 32); },
		uciname: value => /^[a-zA-Z0-9_]+$/.test(value),
		macaddr: value => /^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}$/.test(value),
		portrange: value => /^\d+(-\d+)?$/.test(value) && value.split('-').every(port => between(port, 0, 65535))
	};

	/* `and(uinteger,or("auto",range(1,5)))` to a function of a value. */
	function compile(text) {
		let at = 0;
		const term = () => {
			const found = /^"([^"]*)"|^-?\d+|^\w+/.exec(text.slice(at));
			if (!found)
				throw new Error(`datatype ${text}: unreadable at ${at}`);
			at += found[0].length;
			if (found[1] != null)
				return value => value == found[1];
			const args = [];
			if (text[at] == '(') {
				do {
					at++;
					const literal = /^(-?\d+)[,)]/.exec(text.slice(at));
					if (literal)
						at += literal[1].length;
					args.push(literal ? literal[1] : term());
				} while (text[at] == ',');
				at++;
			}
			if (found[0] == 'and' || found[0] == 'or')
				return value => args[found[0] == 'and' ? 'every' : 'some'](one => one(value));
			if (!types[found[0]])
				throw new Error(`datatype ${found[0]} is not one of LuCI's`);
			return value => types[found[0]](value, ...args);
		};
		return term();
	}

	/* form */

	class AbstractValue {
		constructor(map, section, option, title, description) {
			Object.assign(this, { map, section, option, title, description, rmempty: true, optional: false, default: null });
			this.keylist = [];
			this.vallist = [];
			this.deps = [];
			this.inputs = {};
		}
		value(key, text) {
			this.keylist.push(String(key));
			this.vallist.push(text ?? String(key));
		}
		depends(field, value) {
			this.deps.push([field, value]);
		}
		load(section_id) {
			return uci.get(this.map.config, section_id, this.option);
		}
		cfgvalue(section_id) {
			return this.load(section_id);
		}
		formvalue(section_id) {
			return this.inputs[section_id].value;
		}
		write(section_id, value) {
			uci.set(this.map.config, section_id, this.option, value);
		}
		remove(section_id) {
			if (uci.get(this.map.config, section_id, this.option) != null)
				uci.unset(this.map.config, section_id, this.option);
		}
		isActive(section_id) {
			return this.deps.every(([field, value]) =>
				this.section.children.find(one => one.option == field).formvalue(section_id) == value);
		}
		error(section_id) {
			const value = this.formvalue(section_id), items = Array.isArray(value) ? value : [value];
			if (!items.length || items[0] === '')
				return this.optional || this.rmempty ? '' : 'non-empty value';
			if (this.datatype && !items.every(compile(this.datatype)))
				return `expecting: ${this.datatype}`;
			return items.map(item => this.validate(section_id, item)).find(told => told !== true) ?? '';
		}
		validate() {
			return true;
		}
		check(section_id) {
			const row = this.inputs[section_id].closest('.cbi-value'), active = this.isActive(section_id);
			const error = active ? this.error(section_id) : '';
			row.hidden = !active;
			row.querySelector('.cbi-error').textContent = error;
			for (const input of row.querySelectorAll('input, select'))
				input.classList.toggle('cbi-input-invalid', Boolean(error));
			return !error;
		}
		parse(section_id) {
			const before = this.cfgvalue(section_id), value = this.formvalue(section_id);
			if (!this.isActive(section_id) || value == null || value === '' || (Array.isArray(value) && !value.length))
				this.remove(section_id);
			else if (JSON.stringify(before) != JSON.stringify(value))
				this.write(section_id, value);
		}
		render(section_id) {
			const id = `widget.cbid.${this.map.config}.${section_id}.${this.option}`;
			const widget = this.widget(section_id, id, this.cfgvalue(section_id));
			return E('div', { 'class': 'cbi-value', 'data-name': this.option }, [
				E('label', { 'class': 'cbi-value-title', for: id }, [this.title]),
				E('div', { 'class': 'cbi-value-field' }, [
					widget, E('div', { 'class': 'cbi-value-description' }, this.description), E('div', { 'class': 'cbi-error' })
				])
			]);
		}
		input(section_id, id, value, attributes) {
			const node = E('input', { 'class': 'cbi-input-text', id, placeholder: this.placeholder, ...attributes });
			node.value = value ?? '';
			return node;
		}
	}

	class Value extends AbstractValue {
		widget(section_id, id, value) {
			return this.inputs[section_id] = this.input(section_id, id, value, { type: this.password ? 'password' : 'text' });
		}
	}

	class Flag extends AbstractValue {
		widget(section_id, id, value) {
			const node = this.inputs[section_id] = E('input', { type: 'checkbox', id });
			node.checked = (value ?? this.default) == '1';
			return node;
		}
		formvalue(section_id) {
			return this.inputs[section_id].checked ? '1' : '0';
		}
		error() {
			return '';
		}
		parse(section_id) {
			const value = this.formvalue(section_id);
			if (!this.isActive(section_id) || (value == this.default && (this.optional || this.rmempty)))
				this.remove(section_id);
			else if (value != this.cfgvalue(section_id))
				this.write(section_id, value);
		}
	}

	class ListValue extends AbstractValue {
		widget(section_id, id, value) {
			const node = this.inputs[section_id] = E('select', { id, 'class': 'cbi-input-select' });
			if (this.optional)
				node.append(E('option', { value: '' }, [this.placeholder ?? '-- Please choose --']));
			this.keylist.forEach((key, place) => node.append(E('option', { value: key }, [this.vallist[place]])));
			node.value = value ?? this.default ?? '';
			return node;
		}
	}

	class DynamicList extends AbstractValue {
		widget(section_id, id, value) {
			const items = Array.isArray(value) ? value : (value ?? '').split(/\s+/).filter(item => item);
			const list = this.inputs[section_id] = E('div', { 'class': 'cbi-dynlist' });
			const row = item => this.input(section_id, null, item, { 'aria-label': this.title });
			items.forEach(item => list.append(row(item)));
			const last = row('');
			last.id = id;
			list.append(last);
			list.addEventListener('change', () => {
				if ([...list.querySelectorAll('input')].at(-1).value)
					list.append(row(''));
			});
			return list;
		}
		formvalue(section_id) {
			return [...this.inputs[section_id].querySelectorAll('input')].map(input => input.value).filter(item => item);
		}
	}

	class TypedSection {
		constructor(map, type, title, description) {
			Object.assign(this, { map, sectiontype: type, title, description, anonymous: false, addremove: false });
			this.children = [];
			this.tabs = [];
		}
		tab(name, title) {
			this.tabs.push([name, title]);
		}
		option(made, ...args) {
			const field = new made(this.map, this, ...args);
			this.children.push(field);
			return field;
		}
		taboption(tab, made, ...args) {
			if (!this.tabs.some(([name]) => name == tab))
				throw new ReferenceError(`Associated tab not declared: ${tab}`);
			const field = this.option(made, ...args);
			field.tab = tab;
			return field;
		}
		cfgsections() {
			return uci.sections(this.map.config, this.sectiontype).map(section => section['.name']);
		}
		render() {
			const node = E('div', { 'class': 'cbi-section', 'data-tab-title': this.title }, [
				E('h3', {}, [this.title]), E('div', { 'class': 'cbi-section-descr' }, this.description)
			]);
			for (const section_id of this.cfgsections())
				node.append(this.one(section_id));
			if (this.addremove)
				node.append(this.adder());
			return node;
		}
		one(section_id) {
			const node = E('div', { 'class': 'cbi-section-node', 'data-section-id': section_id });
			if (!this.anonymous)
				node.append(E('h4', {}, [section_id]));
			if (this.addremove)
				node.append(E('button', { 'class': 'cbi-button-remove', click: () => this.handleRemove(section_id) }, ['Delete']));
			if (!this.tabs.length)
				node.append(...this.children.map(field => field.render(section_id)));
			else
				node.append(...group(this.tabs.map(([name, title]) => [title, E('div', {},
					this.children.filter(field => field.tab == name).map(field => field.render(section_id)))])));
			const all = () => this.children.forEach(field => field.check(section_id));
			for (const kind of ['input', 'change'])
				node.addEventListener(kind, all);
			all();
			return node;
		}
		adder() {
			const name = E('input', { type: 'text', 'class': 'cbi-section-create-name', 'aria-label': `name of a new ${this.sectiontype}` });
			const add = () => {
				if (!this.anonymous && !types.uciname(name.value))
					return name.classList.add('cbi-input-invalid');
				uci.add(this.map.config, this.sectiontype, this.anonymous ? undefined : name.value);
				this.map.redraw();
			};
			return E('div', { 'class': 'cbi-section-create' }, [
				...(this.anonymous ? [] : [name]), E('button', { 'class': 'cbi-button-add', click: add }, ['Add'])
			]);
		}
		handleRemove(section_id) {
			uci.remove(this.map.config, section_id);
			this.map.redraw();
		}
	}

	function group(parts) {
		const bar = E('div', { 'class': 'cbi-tabmenu', role: 'tablist' }), bodies = parts.map(([, body]) => body);
		parts.forEach(([title, body], place) => {
			const show = () => {
				bodies.forEach(one => one.hidden = one != body);
				[...bar.children].forEach((one, index) => one.setAttribute('aria-selected', index == place));
			};
			bar.append(E('button', { role: 'tab', type: 'button', click: show }, [title]));
		});
		bar.firstChild.click();
		return [bar, ...bodies];
	}

	class FormMap {
		constructor(config, title, description) {
			Object.assign(this, { config, title, description, tabbed: false });
			this.children = [];
		}
		section(made, ...args) {
			const section = new made(this, ...args);
			this.children.push(section);
			return section;
		}
		async render() {
			await uci.load(this.config);
			this.root = E('div', { 'class': 'cbi-map' });
			this.root.map = this;
			this.redraw();
			return this.root;
		}
		redraw() {
			const parts = this.children.map(section => [section.title, section.render()]);
			const shown = [...this.root.querySelectorAll(':scope > .cbi-tabmenu > button')]
				.findIndex(one => one.getAttribute('aria-selected') == 'true');
			this.root.replaceChildren(
				E('h2', {}, [this.title]), E('div', { 'class': 'cbi-map-descr' }, this.description),
				...(this.tabbed ? group(parts) : parts.map(([, body]) => body)));
			this.root.querySelectorAll(':scope > .cbi-tabmenu > button')[shown]?.click();
		}
		async save() {
			const every = fn => this.children.flatMap(section => section.cfgsections().flatMap(id =>
				section.children.map(field => fn(field, id))));
			if (!every((field, id) => field.check(id)).every(good => good))
				throw new TypeError('One or more invalid/required values');
			every((field, id) => field.parse(id));
			await uci.save();
		}
	}

	const form = { Map: FormMap, TypedSection, Value, Flag, ListValue, DynamicList };

	/* view */

	const maps = () => [...document.querySelectorAll('#view .cbi-map')].map(node => node.map);

	class View extends Base {
		async handleSave() {
			await Promise.all(maps().map(map => map.save()));
		}
		async handleSaveApply() {
			await this.handleSave();
			await uci.apply(90);
		}
		async handleReset() {
			location.reload();
		}
	}

	/* The loader: `'require a.b as c';` at a module's head. */

	const known = { baseclass: Base, view: View, poll, rpc, uci, form };
	const loading = {};

	window.L = {
		resource: path => `/luci-static/resources/${path}`,
		require(name) {
			return loading[name] ??= known[name] ? Promise.resolve(known[name]) : load(name);
		}
	};

	async function load(name) {
		const answer = await fetch(L.resource(name.replace(/\./g, '/') + '.js'));
		if (!answer.ok)
			throw new Error(`no module ${name}`);
		const source = await answer.text();
		const needs = [...source.matchAll(/^'require ([\w.]+)(?: as (\w+))?';$/gm)].map(found => [found[1], found[2] ?? found[1]]);
		const modules = await Promise.all(needs.map(([one]) => L.require(one)));
		const made = new Function('L', ...needs.map(([, alias]) => alias), `${source}\n//# sourceURL=${name}.js`)(L, ...modules);
		if (typeof made != 'function' || !(made.prototype instanceof Base))
			throw new TypeError(`module ${name} gives no class`);
		return new made();
	}

	window.harness = {
		session: document.documentElement.dataset.session,
		errors: [],
		async run(path) {
			const place = document.getElementById('view');
			const view = await L.require(`view.${path.replace(/\//g, '.')}`);
			place.replaceChildren(await view.render(await view.load()));
			for (const [name, words] of [['handleSaveApply', 'Save & Apply'], ['handleSave', 'Save'], ['handleReset', 'Reset']])
				if (view[name])
					document.getElementById('actions').append(E('button', { id: name, click: () => act(view, name) }, [words]));
			document.body.dataset.ready = 'yes';
		}
	};

	async function act(view, name) {
		document.body.dataset.done = '';
		try {
			await view[name]();
			document.body.dataset.done = name;
		} catch (error) {
			document.body.dataset.done = `refused: ${error.message}`;
		}
	}

	window.addEventListener('error', event => window.harness.errors.push(event.message));
	window.addEventListener('unhandledrejection', event => window.harness.errors.push(String(event.reason?.stack ?? event.reason)));
	document.addEventListener('DOMContentLoaded', () => window.harness.run(document.documentElement.dataset.view));
})();
