// Imports every module below a folder in MicroPython as WebAssembly: `node webassembly.mjs BUILD FOLDER MODULE...`.
// Prints {version, failed: {module: why}}.
import { readFileSync } from 'node:fs';

const [build, folder, ...files] = process.argv.slice(2);
const { loadMicroPython } = await import(build);
const python = await loadMicroPython({ stdout: () => {} });
const made = new Set();
for (const file of files) {
	let place = '';
	for (const part of file.split('/').slice(0, -1)) {
		place += '/' + part;
		if (!made.has(place)) python.FS.mkdir(place);
		made.add(place);
	}
	python.FS.writeFile('/' + file, readFileSync(`${folder}/${file}`));
}
python.runPython("import sys\nsys.path[:] = ['/']\nversion = sys.version");
const failed = {};
for (const file of files) {
	const name = file.replace(/\.mpy$/, '').replace(/\/__init__$/, '').replaceAll('/', '.');
	try {
		python.runPython(`__import__('${name}')`);
	} catch (error) {
		failed[name] = error.message.trim().split('\n').at(-1);
	}
}
console.log(JSON.stringify({ version: python.globals.get('version'), failed }));
