import type { ProcessRecord } from '../../ingestion/record.ts'
import { HAND_OVER } from '../advice.ts'
import { isBelow } from '../command/arguments.ts'
import type { Command, Segment } from '../command/command.ts'
import { type Clue, commandRule } from '../command-rule.ts'
import { ofLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { outputsOf } from '../sets/outputs.ts'
import { SHELLS } from '../sets/shells.ts'

const type: AlertType = {
  number: 8,
  alertType: 'IoT_WebShell',
  displayName: 'Web shell',
  severity: 'High',
  intent: 'Persistence',
  description:
    'A script is placed where the web server runs it, or the web server itself starts commands. ' +
    'Such a script lets anybody who knows its address run commands on the device.',
  remediationSteps: [
    'Look at the written file and at the access log of the web server: who asked for it since?',
    'Check whether a deployment or a plugin of the web application explains it.',
    'If not, take the web server off the network, keep a copy of the file and its times, then ' +
      'remove it.',
    'Find the hole it came through (upload form, old plugin, weak password) and close it.',
    HAND_OVER,
  ],
  techniques: ['T1505.003'],
}

/** Scripts written into a web root, PHP that runs commands, shells of a web server's account. */
export const webShell: Rule = commandRule(
  type,
  plants,
  ofLine(
    [['a file is written, PHP stands in the line, or a web server runs it', mayPlant]],
    'the file is a script in a web root, the PHP runs commands, or the server runs a shell or a probe',
  ),
)

function plants(command: Command, { user }: ProcessRecord): Clue | undefined {
  for (const segment of command.segments) {
    const script = outputsOf(segment).find(isWebScript)
    if (script !== undefined) return { seen: 'a script is written into a web root', key: script }
  }
  if (holdsPhpShell(command)) return { seen: 'PHP that runs commands is written' }
  return WEB_USERS.has(user) ? serverRuns(command, user) : undefined
}

function mayPlant({ line, segments }: Command, { user }: ProcessRecord): boolean {
  const isWriting = segments.some((segment) => outputsOf(segment).length > 0)
  return isWriting || line.includes('<?php') || WEB_USERS.has(user)
}

const WEB_ROOTS = [
  ...['/var/www', '/srv/www', '/srv/http', '/usr/share/nginx', '/usr/local/www', '/www'],
  ...['/opt/lampp/htdocs', '/usr/local/apache2/htdocs', '/var/lib/tomcat', '/usr/share/httpd'],
] as const

const SCRIPT_EXTENSIONS: ReadonlySet<string> = new Set([
  ...['php', 'php3', 'php4', 'php5', 'php7', 'phtml', 'phar', 'jsp', 'jspx', 'asp', 'aspx', 'cgi'],
])

function isWebScript(path: string): boolean {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase()
  return SCRIPT_EXTENSIONS.has(extension) && WEB_ROOTS.some((root) => isBelow(path, root))
}

const PHP_RUNNERS = ['eval(', 'system(', 'passthru(', 'shell_exec(', 'assert(', 'popen(', 'exec(']

function holdsPhpShell({ line, segments }: Command): boolean {
  const at = line.indexOf('<?php')
  if (at < 0 || !PHP_RUNNERS.some((runner) => line.includes(runner, at))) return false
  return !segments.some(({ program }) => program === 'grep' || program === 'rg')
}

const WEB_USERS: ReadonlySet<string> = new Set([
  ...['www-data', 'apache', 'nginx', 'httpd', 'lighttpd', 'wwwrun', 'tomcat'],
])
const PROBES: ReadonlySet<string> = new Set(['whoami', 'id', 'uname', 'nc', 'ncat', 'wget', 'curl'])
/** What web applications start through a shell as a matter of course. */
const ORDINARY: ReadonlySet<string> = new Set([
  ...['sendmail', 'msmtp', 'convert', 'magick', 'identify', 'gs', 'ffmpeg', 'ffprobe', 'php'],
  ...[
    'wkhtmltopdf',
    'pdftotext',
    'pdftk',
    'exiftool',
    'git',
    'sqlite3',
    'mysqldump',
    'perl',
    'python3',
  ],
])

function serverRuns({ segments }: Command, user: string): Clue | undefined {
  const probe = segments.find(({ program }) => PROBES.has(program))
  if (probe) return { seen: `${user} runs ${probe.program}`, key: `${user} ${probe.program}` }
  const [first, ...inner] = segments
  if (!first || !SHELLS.has(first.program) || inner.some(isOrdinary)) return undefined
  // A script file is part of the application; commands from elsewhere are not.
  if (inner.length === 0 && first.args.some((arg) => arg[0] === '/')) return undefined
  return { seen: `${user} runs a shell`, key: `${user} ${first.program}` }
}

function isOrdinary({ program }: Segment): boolean {
  return ORDINARY.has(program)
}
