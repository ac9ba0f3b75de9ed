// Plain JavaScript: a worker thread of a built gate, from what V8 compiled at an earlier start of one. V8 takes that under the
// flags of a start alone, so the workers that begin with the gate are there sooner, and one that comes later compiles anew.
'use strict'
const { join } = require('node:path')
const { Bundle } = require('./bundle.js')

new Bundle(join(__dirname, '../dist/cli'), false).require('./thread.js')
