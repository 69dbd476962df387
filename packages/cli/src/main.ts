import { runCommandLine } from './run.ts'

// `twinward … | head` ends the pipe before we are done: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

const code = await runCommandLine(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
})
// Writes to a pipe may be pending; nothing else may hold the process.
process.stderr.write('', () => process.stdout.write('', () => process.exit(code)))
