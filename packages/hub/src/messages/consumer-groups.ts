import { DEFAULT_CONSUMER_GROUP, HubError, SECURITY_CONSUMER_GROUP } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import {
  type ConsumerGroup,
  type ConsumerGroupStore,
  MAX_CONSUMER_GROUPS,
} from './consumer-group-store.ts'
import type { StreamName } from './event-log.ts'

const RESERVED = [DEFAULT_CONSUMER_GROUP, SECURITY_CONSUMER_GROUP]
/** Event Hubs' rule: letters, digits and `.-_`, with a letter or digit at both ends. */
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,48}[a-z0-9])?$/i

/** A consumer group as callers see it. */
export interface ConsumerGroupInfo {
  readonly name: string
  /** `null`: it always exists. */
  readonly createdMs: number | null
}

/** Which groups of event readers there are. Names compare without case. */
export class ConsumerGroups {
  readonly #store: ConsumerGroupStore
  readonly #clock: Clock

  constructor(store: ConsumerGroupStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** Those that always exist, then the others in the order of their names. */
  async list(): Promise<readonly ConsumerGroupInfo[]> {
    return [...RESERVED.map(reserved), ...(await this.#store.list())]
  }

  async find(name: string): Promise<ConsumerGroupInfo | undefined> {
    const known = RESERVED.find((one) => isSameGroup(one, name))
    return known ? reserved(known) : this.#store.find(name)
  }

  /** @throws {HubError} `GenericNotFound` */
  async get(name: string): Promise<ConsumerGroupInfo> {
    const group = await this.find(name)
    if (!group) throw notFound(name)
    return group
  }

  /**
   * The group of that name, created when there is none.
   *
   * @throws {HubError} `ArgumentInvalid` for a name that is none; `IotHubQuotaExceeded` when there are
   *   `MAX_CONSUMER_GROUPS`
   */
  async put(name: string): Promise<ConsumerGroupInfo> {
    const known = RESERVED.find((one) => isSameGroup(one, name))
    if (known) return reserved(known)
    if (!NAME.test(name)) {
      throw new HubError(
        'ArgumentInvalid',
        'The name of a consumer group has 1 to 50 letters, digits and .-_, a letter or digit at both ends.',
      )
    }
    const group: ConsumerGroup = { name, createdMs: this.#clock.now() }
    const outcome = await this.#store.insert(group)
    if (outcome === 'full') {
      throw new HubError(
        'IotHubQuotaExceeded',
        `A hub has at most ${MAX_CONSUMER_GROUPS} consumer groups beside ${DEFAULT_CONSUMER_GROUP}.`,
      )
    }
    return outcome === 'inserted' ? group : this.get(name)
  }

  /** @throws {HubError} `GenericNotFound`; `InvalidOperation` for one that always exists */
  async remove(name: string): Promise<void> {
    if (RESERVED.some((one) => isSameGroup(one, name))) {
      throw new HubError('InvalidOperation', `Consumer group ${name} cannot be deleted.`)
    }
    if (!(await this.#store.remove(name))) throw notFound(name)
  }
}

/** Which stream a consumer group reads. */
export function streamOf(group: string): StreamName {
  return isSameGroup(group, SECURITY_CONSUMER_GROUP) ? 'security' : 'telemetry'
}

function isSameGroup(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

function reserved(name: string): ConsumerGroupInfo {
  return { name, createdMs: null }
}

function notFound(name: string): HubError {
  return new HubError('GenericNotFound', `There is no consumer group ${name.slice(0, 60)}.`)
}
