import { BlockList, isIP } from 'node:net'
import { HubError, isJsonObject, type JsonValue } from '@twinward/protocol'
import type { IpFilterStore } from './ip-filter-store.ts'

/** One rule; the first that holds an address decides. */
export interface IpFilterRule {
  readonly name: string
  readonly action: 'accept' | 'reject'
  /** An address, or a network as `10.0.0.0/8`. */
  readonly mask: string
}

export const MAX_IP_RULES = 100
const MAX_NAME_CHARACTERS = 128
/** Who is on the machine itself can always mend a filter that shuts everybody out. */
const ALWAYS: ReadonlySet<string> = new Set(['127.0.0.1', '::1'])

type Family = 'ipv4' | 'ipv6'

interface CompiledRule {
  readonly isAccepting: boolean
  readonly family: Family
  readonly network: BlockList
}

/** Which addresses may connect, on every port of the hub: rules in order; without one, all may. */
export class IpFilter {
  readonly #store: IpFilterStore
  readonly #changed: () => void
  #rules: readonly IpFilterRule[] = []
  #compiled: readonly CompiledRule[] = []
  #refused = 0

  /** @param changed  called after every change, when it is durable */
  constructor(store: IpFilterStore, changed: () => void = () => {}) {
    this.#store = store
    this.#changed = changed
  }

  get rules(): readonly IpFilterRule[] {
    return this.#rules
  }

  /** Connections that were refused since the start. */
  get refusedCount(): number {
    return this.#refused
  }

  async load(): Promise<void> {
    this.#use(await this.#store.rules())
  }

  /**
   * Replaces all rules.
   *
   * @param value  a list of `{name, action, mask}`
   * @throws {HubError} `ArgumentInvalid` that names the rule and what is wrong with it
   */
  async set(value: unknown): Promise<void> {
    const rules = readRules(value)
    await this.#store.setRules(rules)
    this.#use(rules)
    this.#changed()
  }

  /** Counts a refusal. @param address  as sockets have it; one that cannot be read is refused by rules */
  allows(address: string | undefined): boolean {
    if (this.#compiled.length === 0) return true
    const known = canonical(address ?? '')
    if (ALWAYS.has(known)) return true
    const isAddress = isIP(known) !== 0
    const rule = isAddress ? this.#find(known, familyOf(known)) : undefined
    const isAllowed = rule ? rule.isAccepting : isAddress
    if (!isAllowed) this.#refused++
    return isAllowed
  }

  /** A block list takes every IPv4 address for one in `::/0`; a rule says nothing about the other family. */
  #find(address: string, family: Family): CompiledRule | undefined {
    return this.#compiled.find((rule) => {
      return rule.family === family && rule.network.check(address, family)
    })
  }

  #use(rules: readonly IpFilterRule[]): void {
    this.#rules = rules
    this.#compiled = rules.map(({ action, mask }) => ({
      isAccepting: action === 'accept',
      ...networkOf(mask),
    }))
  }
}

/** `::ffff:192.0.2.7`, as a socket for both families writes it, is `192.0.2.7`. */
function canonical(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  return mapped?.[1] ?? address.replace(/%.*$/, '')
}

/** @throws {HubError} `ArgumentInvalid` */
export function readRules(value: unknown): readonly IpFilterRule[] {
  if (!Array.isArray(value)) throw invalid('rules must be a list.')
  if (value.length > MAX_IP_RULES)
    throw invalid(`There are ${value.length} of ${MAX_IP_RULES} rules.`)
  return value.map((rule: JsonValue, at) => readRule(rule, `rules[${at}]`))
}

function readRule(rule: JsonValue, where: string): IpFilterRule {
  if (!isJsonObject(rule)) throw invalid(`${where} must be an object.`)
  const { name, action, mask } = rule
  const isName = typeof name === 'string' && name !== '' && name.length <= MAX_NAME_CHARACTERS
  if (!isName) throw invalid(`${where}.name must have 1 to ${MAX_NAME_CHARACTERS} characters.`)
  if (action !== 'accept' && action !== 'reject') {
    throw invalid(`${where}.action must be accept or reject.`)
  }
  if (typeof mask !== 'string' || !isMask(mask)) {
    throw invalid(`${where}.mask must be an address or a network such as 10.0.0.0/8.`)
  }
  return { name, action, mask }
}

/** No zones: they name an interface of this machine. No mapped IPv4 addresses: they have a plain form. */
function isMask(mask: string): boolean {
  const [address = '', bits, ...more] = mask.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || /%|^::ffff:.*\./i.test(address)) return false
  if (bits === undefined) return true
  return /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 6 ? 128 : 32)
}

function networkOf(mask: string): Pick<CompiledRule, 'family' | 'network'> {
  const [address = '', bits] = mask.split('/')
  const family = familyOf(address)
  const network = new BlockList()
  if (bits === undefined) network.addAddress(address, family)
  else network.addSubnet(address, Number(bits), family)
  return { family, network }
}

function familyOf(address: string): Family {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
