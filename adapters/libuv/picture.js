// SPDX-License-Identifier: BSD-2-Clause
// Asks for a file's size 50 times a second, for five seconds; after one second, and again
// after three, four reads of pipes hang.  A line for each: when it was asked for, and when
// answered, in ms.
//
//	node picture.js		and the same under ward-uv-run
'use strict';
const { execFileSync } = require('child_process');
const fs = require('fs');
const os = require('os');
const path = require('path');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hung-'));
const pipes = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => path.join(folder, name));
execFileSync('mkfifo', pipes);
const fds = pipes.map((pipe) => fs.openSync(pipe, 'r+'));
const begun = Date.now();

function ask() {
	const asked = Date.now() - begun;

	fs.stat('/', () => fs.writeSync(1, `${asked} ${Date.now() - begun}\n`));
}

const hang = () => fds.splice(0, 4).forEach((fd) => fs.read(fd, () => {}));

setInterval(ask, 20);
setTimeout(hang, 1000);
setTimeout(hang, 3000);
setTimeout(() => {
	fs.rmSync(folder, { recursive: true });
	process.exit(0); // which libuv's own pool does not come to
}, 5000);
