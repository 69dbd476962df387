import { fileURLToPath } from 'node:url'

/** A file of the console, where it is served and what it is. */
export interface ConsoleFile {
  readonly path: string
  readonly file: string
  readonly type: string
}

function publicFile(name: string): string {
  return fileURLToPath(new URL(`../public/${name}`, import.meta.url))
}

/** Everything that the server serves for browsers. */
export const consoleFiles: readonly ConsoleFile[] = [
  { path: '/', file: publicFile('index.html'), type: 'text/html; charset=utf-8' },
  { path: '/console.css', file: publicFile('console.css'), type: 'text/css; charset=utf-8' },
  { path: '/console.js', file: publicFile('console.js'), type: 'text/javascript; charset=utf-8' },
  { path: '/favicon.svg', file: publicFile('favicon.svg'), type: 'image/svg+xml' },
]
