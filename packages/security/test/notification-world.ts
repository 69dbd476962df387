import { MemoryFindingStore } from '../src/adapters/memory/finding-store.ts'
import { MemoryNotificationStore } from '../src/adapters/memory/notification-store.ts'
import { FindingFeed } from '../src/findings/finding-feed.ts'
import { silentLog } from '../src/log.ts'
import { Notifications } from '../src/notifications/notifications.ts'
import { EVERYTHING, type Route } from '../src/notifications/route.ts'
import { FakeClock } from './fake-clock.ts'
import { RecordingTransport } from './recording-transport.ts'

/** What notifications work with; it outlives them, as files do. */
export interface NotificationWorld {
  readonly clock: FakeClock
  readonly findings: MemoryFindingStore
  readonly feed: FindingFeed
  readonly store: MemoryNotificationStore
  readonly transports: Map<string, RecordingTransport>
}

export function newNotificationWorld(): NotificationWorld {
  const findings = new MemoryFindingStore()
  return {
    clock: new FakeClock(),
    findings,
    feed: new FindingFeed(findings),
    store: new MemoryNotificationStore(),
    transports: new Map(),
  }
}

/** Notifications on a world, as after a start of the process. Chance always says one half. */
export async function startNotifications(
  { clock, feed, store, transports }: NotificationWorld,
  groups: { readonly [deviceId: string]: string } = {},
): Promise<Notifications> {
  const openTransport = ({ id }: { readonly id: string }) => {
    const transport = transports.get(id) ?? new RecordingTransport()
    transports.set(id, transport)
    return transport
  }
  const notifications = new Notifications(
    { notifications: store, openTransport, clock, log: silentLog },
    { feed, groupOf: async (deviceId) => groups[deviceId] ?? 'default', random: () => 0.5 },
  )
  await notifications.start()
  return notifications
}

/** A webhook channel with a route of the same name that takes everything, or as given. */
export async function addChannel(
  notifications: Notifications,
  id: string,
  route: Partial<Route> = {},
): Promise<void> {
  const settings = { url: `https://${id}.example` }
  await notifications.createChannel({ id, kind: 'webhook', settings })
  await notifications.createRoute({ ...EVERYTHING, limit: 10_000, ...route, id, channels: [id] })
}
