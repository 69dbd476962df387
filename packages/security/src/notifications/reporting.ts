import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { Judge } from '../detection/noise/verdict.ts'
import type { FindingFeed } from '../findings/finding-feed.ts'
import type { Findings } from '../findings/findings.ts'
import type { IngestedMessage } from '../ingestion/pipeline.ts'
import type { Log } from '../log.ts'
import type { SecurityMessage, TwinPlatform } from '../platform.ts'
import { DrillJudge } from './drill/drill-judge.ts'
import type { DrillReport } from './drill/drill-report.ts'
import { Drills } from './drill/drills.ts'
import type { NotificationStore } from './notification-store.ts'
import { Notifications } from './notifications.ts'
import type { OpenTransport } from './transport.ts'

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly notifications: NotificationStore
  readonly openTransport: OpenTransport
  readonly clock: Clock
  readonly log: Log
}

interface Parts {
  readonly feed: FindingFeed
  /** What the findings of ordinary events are judged by. */
  readonly judge: Judge
  readonly findings: Pick<Findings, 'changeAlert'>
  readonly securityModuleId: string
  /** The webhook of the settings. */
  readonly webhook?: { readonly url: string; readonly secret?: string; readonly ca?: string }
  /** Evaluates a message that did not come through the platform. */
  readonly inject: (message: Omit<SecurityMessage, 'sequence'>) => Promise<void>
  /** Why messages are not taken at the moment. */
  readonly unhealthy: () => string | undefined
}

/** Telling people and programs what was found, and trying whether that works. */
export class Reporting {
  readonly feed: FindingFeed
  readonly clock: Clock
  readonly notifications: Notifications
  /** Judges findings, those of fire drills included. */
  readonly judge: DrillJudge
  readonly #drills: Drills

  constructor(ports: Ports, { feed, judge, webhook, ...parts }: Parts) {
    this.feed = feed
    this.clock = ports.clock
    this.judge = new DrillJudge(judge)
    this.notifications = new Notifications(ports, {
      feed,
      groupOf: (deviceId) => judge.groupOf(deviceId),
      ...(webhook && { webhook }),
    })
    const wake = () => feed.wake()
    this.#drills = new Drills(ports, {
      ...parts,
      judge: this.judge,
      notifications: this.notifications,
      wake,
    })
  }

  /** To be called before messages are taken. */
  async start(): Promise<void> {
    await this.#drills.start()
    await this.notifications.start()
  }

  async close(): Promise<void> {
    await this.notifications.close()
  }

  /** As `Drills.run`. */
  drill(deviceId?: string): Promise<DrillReport> {
    return this.#drills.run(deviceId)
  }

  /** Runs the evaluation of messages, so that a drill among them learns what it came to. */
  watching(messages: readonly IngestedMessage[], evaluate: () => Promise<void>): Promise<void> {
    return this.judge.watching(messages, evaluate)
  }
}
