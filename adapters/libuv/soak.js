// SPDX-License-Identifier: BSD-2-Clause
// A file server; each second it opens a pipe that nobody writes to, for a minute.
//
//	node soak.js FOLDER		it says its port, and at the end what was hung
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const folder = process.argv[2];
const MINUTE = 60;
let hung = 0, home = 0, served = 0;

function serve(request, response) {
	fs.readFile(path.join(folder, path.basename(request.url)), (error, data) => {
		response.statusCode = error ? 404 : 200;
		response.end(error ? error.code : data);
		served++;
	});
}

// A reader that opens a pipe sleeps until a writer comes: one of the pool's threads is gone.
function hang(n) {
	const pipe = path.join(folder, `pipe${n}`);

	hung++;
	fs.open(pipe, 'r', (error, fd) => {
		home++;
		if (!error)
			fs.closeSync(fd);
	});
	setTimeout(() => fs.closeSync(fs.openSync(pipe, fs.constants.O_RDWR)), MINUTE * 1000);
}

const server = http.createServer(serve).listen(0, '127.0.0.1', () => {
	console.log(server.address().port);
});
let n = 0;
setInterval(() => hang(n++ % (2 * MINUTE)), 1000);
process.on('SIGTERM', () => {
	console.log(`${served} requests served, ${hung} threads hung, ${home} came home`);
	process.exit(0); // though threads hang
});
