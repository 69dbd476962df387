import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import type { PlatformModule } from '../platform.ts'

/** Modules of one manifest that are read; a device runs not so many. */
export const MAX_EDGE_MODULES = 100
/** A module's settings are spread over keys: `createOptions`, `createOptions01` … */
const MAX_PARTS = 100

/** One container that an edge device is to run. */
export interface EdgeModule {
  readonly name: string
  /** Of `createOptions`; empty when it is not readable. */
  readonly options: JsonObject
  /** Names of variables in lower case. */
  readonly environment: ReadonlyMap<string, string>
  /** As desired, to compare devices by. */
  readonly settings: JsonObject
  /** `edgeAgent` and `edgeHub` */
  readonly isSystem: boolean
}

export interface RegistryLogin {
  readonly address: string
  readonly username: string
}

/** What an edge device is deployed with: desired properties of its module `$edgeAgent`. */
export interface EdgeManifest {
  readonly modules: readonly EdgeModule[]
  readonly logins: readonly RegistryLogin[]
}

/** The manifest of an edge device; `undefined` when it is none, or has none yet. Passwords stay unread. */
export function readManifest(modules: readonly PlatformModule[]): EdgeManifest | undefined {
  const agent = modules.find(({ ref }) => ref.moduleId === '$edgeAgent')
  if (agent === undefined) return undefined
  const { systemModules, modules: own, runtime } = agent.desired
  if (!isJsonObject(systemModules) && !isJsonObject(own)) return undefined
  return {
    modules: [...modulesIn(systemModules, true), ...modulesIn(own, false)].slice(
      0,
      MAX_EDGE_MODULES,
    ),
    logins: loginsIn(runtime),
  }
}

function modulesIn(section: JsonValue | undefined, isSystem: boolean): readonly EdgeModule[] {
  if (!isJsonObject(section)) return []
  return Object.entries(section).flatMap(([name, module]) => {
    if (!isJsonObject(module)) return []
    const settings = isJsonObject(module.settings) ? module.settings : {}
    const read = { options: optionsIn(settings), environment: environmentIn(module.env) }
    return [{ name, isSystem, settings: module, ...read }]
  })
}

function optionsIn(settings: JsonObject): JsonObject {
  const { createOptions } = settings
  if (isJsonObject(createOptions)) return createOptions
  let text = typeof createOptions === 'string' ? createOptions : ''
  for (let part = 1; part < MAX_PARTS; part++) {
    const more = settings[`createOptions${String(part).padStart(2, '0')}`]
    if (typeof more !== 'string') break
    text += more
  }
  try {
    const options: unknown = text === '' ? {} : JSON.parse(text)
    return isJsonObject(options) ? options : {}
  } catch {
    return {}
  }
}

function environmentIn(env: JsonValue | undefined): ReadonlyMap<string, string> {
  if (!isJsonObject(env)) return new Map()
  return new Map(
    Object.entries(env).map(([name, variable]) => {
      const value = isJsonObject(variable) ? variable.value : variable
      return [name.toLowerCase(), String(value ?? '')]
    }),
  )
}

function loginsIn(runtime: JsonValue | undefined): readonly RegistryLogin[] {
  const settings = isJsonObject(runtime) ? runtime.settings : undefined
  const credentials = isJsonObject(settings) ? settings.registryCredentials : undefined
  if (!isJsonObject(credentials)) return []
  return Object.values(credentials).flatMap((login) =>
    isJsonObject(login)
      ? [{ address: String(login.address ?? ''), username: String(login.username ?? '') }]
      : [],
  )
}
