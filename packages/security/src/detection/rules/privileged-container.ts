import { ASK_WHO_RAN_IT, HAND_OVER } from '../advice.ts'
import type { Segment } from '../command/command.ts'
import { type Clue, segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { type ContainerCall, containerCall } from '../sets/containers.ts'

const type: AlertType = {
  number: 32,
  alertType: 'IoT_PrivilegedContainer',
  displayName: 'Privileged container detected',
  severity: 'Medium',
  intent: 'PrivilegeEscalation',
  description:
    'A container is started with the rights of the host. Whoever gets into it can leave it, and ' +
    'is root on the device.',
  remediationSteps: [
    'Find out what the container needs from the host; it is often one device or one capability.',
    ASK_WHO_RAN_IT,
    'If it does not need these rights, start it without `--privileged` and with the few ' +
      'capabilities that it does need.',
    'If nobody knows it, delete container and image, and look for others.',
    HAND_OVER,
  ],
  techniques: ['T1610', 'T1611'],
}

/** Containers that are given the rights of the host. */
export const privilegedContainer: Rule = segmentRule(
  type,
  givesRights,
  inLine(
    [
      ['a container tool is called', (segment) => containerCall(segment) !== undefined],
      ['it runs, creates or enters', (segment) => STARTING.has(containerCall(segment)?.verb ?? '')],
    ],
    'the container gets the rights of the host: privileged, a strong capability, its whole disk',
  ),
)

function givesRights(segment: Segment): Clue | undefined {
  const call = containerCall(segment)
  if (!call || !STARTING.has(call.verb) || !isPrivileged(call)) return undefined
  return {
    seen: `a container of ${call.image || 'an image'} gets the rights of the host`,
    key: call.image,
  }
}

const STARTING: ReadonlySet<string> = new Set(['run', 'create', 'exec'])
const CAPABILITIES: ReadonlySet<string> = new Set([
  ...['ALL', 'SYS_ADMIN', 'CAP_SYS_ADMIN', 'SYS_PTRACE', 'SYS_MODULE'],
])

function isPrivileged({ options }: ContainerCall): boolean {
  return options.some((option, at) => {
    if (option === '--privileged' || option === '--privileged=true') return true
    // The host's whole file system is as good as its rights.
    if ((option === '-v' || option === '--volume') && options[at + 1]?.startsWith('/:')) return true
    if (option.startsWith('--volume=/:') || option.startsWith('-v/:')) return true
    const value = option.startsWith('--cap-add=')
      ? option.slice('--cap-add='.length)
      : option === '--cap-add'
        ? (options[at + 1] ?? '')
        : ''
    return CAPABILITIES.has(value.toUpperCase())
  })
}
