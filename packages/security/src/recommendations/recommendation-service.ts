import type { ConfigurationKeys } from '@twinward/protocol'
import { disabledChecks } from '../baseline/disabled-checks.ts'
import type { Clock } from '../clock.ts'
import { viewConfiguration } from '../configuration/view.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { GroupLookup } from '../groups/group-lookup.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { Log } from '../log.ts'
import type { ModuleStore } from '../modules/module-store.ts'
import type { TwinPlatform } from '../platform.ts'
import type { Serial } from '../serial.ts'
import { Assessor } from './assessor.ts'
import type { CredentialMarkStore } from './credentials/credential-store.ts'
import { CredentialWatch } from './credentials/credential-watch.ts'
import { DEFAULT_AGENT_GRACE_MS, type SeenDevice } from './device-state.ts'
import { HubSetupWatch } from './hub/hub-setup-watch.ts'
import { TlsWatch } from './hub/tls-watch.ts'
import { recommendationFamilies, recommendationRules } from './index.ts'
import { ModuleSettingsWatch } from './module-settings-watch.ts'
import { Recommendations } from './recommendations.ts'
import type { JudgedBy } from './round.ts'
import type { TypeSwitchStore } from './switches.ts'
import { Vulnerabilities } from './vulnerabilities/vulnerabilities.ts'
import type { VulnerabilityStore } from './vulnerabilities/vulnerability-store.ts'

/** What recommendations keep beside findings; all in the file of those. */
export interface RecommendationStores {
  readonly typeSwitches: TypeSwitchStore
  readonly credentials: CredentialMarkStore
  readonly vulnerabilities: VulnerabilityStore
}

interface Ports extends RecommendationStores {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly modules: ModuleStore
  readonly groups: GroupLookup
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly keys: ConfigurationKeys
  /** Changes of findings are made one after the other. */
  readonly changes: Serial
  /** Told of every device whose recommendations changed. */
  readonly touched: (deviceId: string) => void
  /** Has a device looked at, and the look told to `see`. */
  readonly look: (deviceId: string) => Promise<void>
  /** Default `DEFAULT_AGENT_GRACE_MS`. */
  readonly agentGraceMs?: number
}

/** Everything that makes recommendations: what records are judged by, looks at devices, and watches. */
export class RecommendationService {
  /** As people see and change them. */
  readonly list: Recommendations
  readonly judgedBy: JudgedBy
  readonly vulnerabilities: Vulnerabilities
  readonly #assessor: Assessor
  readonly #credentials: CredentialWatch
  readonly #settings: ModuleSettingsWatch
  readonly #setup: HubSetupWatch
  readonly #tls: TlsWatch

  constructor(ports: Ports, options: Options) {
    const { platform, typeSwitches: switches } = ports
    const { changes, touched, look, keys, agentGraceMs = DEFAULT_AGENT_GRACE_MS } = options
    this.list = new Recommendations({ ...ports, switches }, changes, touched)
    this.judgedBy = {
      rules: recommendationRules(),
      families: recommendationFamilies(),
      switches: this.list.switches,
      disabledChecks: (record) => readDisabledChecks(platform, keys, record),
      keep: (record) => this.vulnerabilities.take(record),
    }
    const by = this.judgedBy
    this.#assessor = new Assessor(ports, { by, changes, touched, look, agentGraceMs })
    const watching = { changes, touched, round: () => this.#assessor.round() }
    this.#credentials = new CredentialWatch(ports, watching)
    this.vulnerabilities = new Vulnerabilities(ports, watching)
    this.#settings = new ModuleSettingsWatch(ports, watching)
    this.#setup = new HubSetupWatch(ports, watching)
    this.#tls = new TlsWatch(ports, watching)
  }

  /** Reads what operators set; to be called before messages are taken. */
  async start(): Promise<void> {
    await this.list.start()
    this.#assessor.start()
    await this.#credentials.start()
    this.#settings.start()
    this.#setup.start()
    await this.#tls.start()
    this.vulnerabilities.start()
  }

  async close(): Promise<void> {
    await Promise.all([
      this.#assessor.close(),
      this.#credentials.close(),
      this.#settings.close(),
      this.#setup.close(),
      this.#tls.close(),
      this.vulnerabilities.close(),
    ])
  }

  /** Forgets what is kept of a device beside its findings. */
  removeDevice(deviceId: string): Promise<void> {
    return this.vulnerabilities.removeDevice(deviceId)
  }

  /** Draws what follows from a look at a device. */
  see(device: SeenDevice): Promise<void> {
    return this.#assessor.see(device)
  }
}

/** Of the module that sent a record, as it is configured now. */
async function readDisabledChecks(
  platform: TwinPlatform,
  keys: ConfigurationKeys,
  { header }: SecurityRecord,
) {
  const { deviceId, moduleId } = header.ref
  const module =
    moduleId === undefined ? undefined : await platform.findModule({ deviceId, moduleId })
  return disabledChecks(module === undefined ? {} : viewConfiguration(module, keys).effective)
}
