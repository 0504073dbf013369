// SPDX-License-Identifier: BSD-2-Clause
// Four reads of pipes that nobody writes to: as many as libuv has threads.  What else
// does the process answer, and does it end?
//
//	node hung.js		and the same under ward-uv-run
'use strict';
const { execFileSync } = require('child_process');
const dns = require('dns');
const fs = require('fs');
const os = require('os');
const path = require('path');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hung-'));
const pipes = ['a', 'b', 'c', 'd'].map((name) => path.join(folder, name));

execFileSync('mkfifo', pipes);
for (const pipe of pipes)
	fs.read(fs.openSync(pipe, 'r+'), () => console.log('never: nobody writes'));


function ask() {
	const begun = Date.now();
	const tell = (what) => (error) => console.log(
		`${what}: ${error ? error.code : 'answered'} after ${Date.now() - begun} ms`);

	fs.stat('/', tell('stat'));
	fs.readFile('/etc/hostname', tell('readFile'));
	dns.lookup('localhost', tell('lookup'));
}

function end() {
	fs.rmSync(folder, { recursive: true });
	console.log('the end, after two seconds');
	process.exit(0);
}

setTimeout(ask, 100); // by then the threads are in read()
setTimeout(end, 2000);
