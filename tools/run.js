// `npm start`: installs and builds what is missing, then runs `twinward` with the arguments given.

import { ensureBuilt, ensureInstalled } from './setup.js'

ensureInstalled('run')
ensureBuilt()
await import('../packages/cli/bin/twinward.js')
