import type { JsonObject } from '@twinward/protocol'
import {
  bytesOf,
  hitsOf,
  idOf,
  isLocalAddress,
  numberOf,
  portOf,
  protocolOf,
  textOf,
} from './fields.ts'
import type {
  ConnectionRecord,
  DnsRecord,
  EventHeader,
  LoginRecord,
  ProcessRecord,
} from './record.ts'

/** Records of the events that only schema 2.0 has, or has in another shape (security 03 §6). */

export function microProcess(header: EventHeader, element: JsonObject): ProcessRecord {
  const type = textOf(element.type).toLowerCase()
  const hash = textOf(element.sha256)
  return {
    kind: 'proc',
    header,
    hits: hitsOf(element.hits),
    ...intervalOf(header, element),
    type: type === 'fork' || type === 'exit' ? type : 'exec',
    exe: textOf(element.exe),
    cmd: textOf(element.cmdline),
    pid: numberOf(element.pid),
    ppid: numberOf(element.ppid),
    uid: idOf(element.uid),
    user: textOf(element.user),
    ...(hash !== '' && { hash }),
  }
}

export function networkActivity(header: EventHeader, element: JsonObject): ConnectionRecord {
  const direction = textOf(element.direction).toLowerCase()
  const bytesIn = bytesOf(element.bytesIn)
  const bytesOut = bytesOf(element.bytesOut)
  const host = textOf(element.host)
  return {
    kind: 'conn',
    header,
    hits: hitsOf(element.hits),
    ...intervalOf(header, element),
    direction: direction === 'in' || direction === 'out' ? direction : 'unknown',
    protocol: protocolOf(element.transport),
    localAddress: textOf(element.localAddr),
    localPort: portOf(element.localPort),
    remoteAddress: textOf(element.remoteAddr),
    remotePort: portOf(element.remotePort),
    exe: textOf(element.exe),
    cmd: textOf(element.cmdline),
    uid: idOf(element.uid),
    ...(bytesIn !== undefined && { bytesIn }),
    ...(bytesOut !== undefined && { bytesOut }),
    ...(host !== '' && { host }),
  }
}

export function dnsActivity(header: EventHeader, element: JsonObject): DnsRecord {
  const { hits, name } = element
  return {
    kind: 'dns',
    header,
    hits: hitsOf(hits),
    ...intervalOf(header, element),
    name: textOf(name),
  }
}

export function microLogin(header: EventHeader, element: JsonObject): LoginRecord {
  const operation = textOf(element.operation)
  const word = operation.toLowerCase()
  const address = textOf(element.remoteAddr)
  const terminal = textOf(element.terminal)
  return {
    kind: 'login',
    header,
    hits: hitsOf(element.hits),
    result: word === 'login' ? 'success' : word === 'logout' ? 'logout' : 'fail',
    user: textOf(element.user),
    uid: idOf(element.uid),
    remoteAddress: isLocalAddress(address) ? '' : address,
    operation,
    exe: '',
    ...(terminal !== '' && { terminal }),
  }
}

/** What was collected over an interval was counted in the time before the event. */
function intervalOf({ timeMs }: EventHeader, { interval }: JsonObject) {
  if (typeof interval !== 'number' || interval <= 0 || interval > MAX_INTERVAL_S) return NO_INTERVAL
  return { windowStartMs: timeMs - interval * 1_000, windowEndMs: timeMs }
}

const NO_INTERVAL = {}
/** No agent collects over more than a month; a number without end would make a time that is none. */
const MAX_INTERVAL_S = 31 * 24 * 3_600
