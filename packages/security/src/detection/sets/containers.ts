import type { Segment } from '../command/command.ts'

const TOOLS: ReadonlySet<string> = new Set([
  ...['docker', 'podman', 'nerdctl', 'crictl', 'ctr', 'balena-engine', 'docker-compose'],
])

/** Words between the tool and its verb: `docker container run`. */
const NOUNS: ReadonlySet<string> = new Set([
  'container',
  'image',
  'images',
  'containers',
  'compose',
])

/** Options that take the next word, as far as they stand before an image. */
const VALUE_OPTIONS: ReadonlySet<string> = new Set([
  ...['-e', '--env', '-v', '--volume', '-p', '--publish', '--name', '-w', '--workdir', '-u'],
  ...['--user', '--network', '--net', '--restart', '--entrypoint', '-h', '--hostname', '-l'],
  ...['--label', '--mount', '--device', '--cap-add', '--cap-drop', '-m', '--memory', '--cpus'],
  ...['--env-file', '--log-driver', '--log-opt', '--add-host', '--dns', '--ip', '--pid', '--ipc'],
  ...['--platform', '--pull', '--security-opt', '--shm-size', '--tmpfs', '--ulimit', '--gpus'],
  ...['-n', '--namespace', '--runtime', '-a', '--attach', '-c', '--cpu-shares', '--cidfile'],
])

/** What a container tool is told. */
export interface ContainerCall {
  readonly verb: string
  /** Options and their values before the image. */
  readonly options: readonly string[]
  /** The image, or for `exec` the container; empty when there is none. */
  readonly image: string
}

/** `docker run -d --privileged nginx` → run, [-d, --privileged], nginx; otherwise `undefined`. */
export function containerCall({ program, args }: Segment): ContainerCall | undefined {
  if (!TOOLS.has(program)) return undefined
  let at = 0
  while (at < args.length) {
    const arg = args[at] ?? ''
    if (arg[0] === '-') at += GLOBAL_VALUE_OPTIONS.has(arg) ? 2 : 1
    else if (NOUNS.has(arg)) at++
    else break
  }
  const verb = args[at] ?? ''
  const options: string[] = []
  for (at++; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg[0] !== '-') return { verb, options, image: arg }
    options.push(arg)
    if (!VALUE_OPTIONS.has(arg)) continue
    at++
    options.push(args[at] ?? '')
  }
  return { verb, options, image: '' }
}

const GLOBAL_VALUE_OPTIONS: ReadonlySet<string> = new Set([
  ...['-H', '--host', '-c', '--context', '--config', '-l', '--log-level', '-a', '--address'],
  ...['-n', '--namespace', '-f', '--file'],
])
