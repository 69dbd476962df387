import { type RequestOptions, request } from 'node:https'
import {
  type AgentCertificate,
  type AgentTarget,
  agentToken,
  type ModuleCredential,
} from './target.ts'

/** What an operator put on the device (security 07 §1). */
export type CredentialOption =
  | { readonly kind: 'module-key'; readonly key: string }
  | { readonly kind: 'module-certificate'; readonly certificate: AgentCertificate }
  | { readonly kind: 'device-key'; readonly key: string }
  | { readonly kind: 'device-certificate'; readonly certificate: AgentCertificate }
  | {
      readonly kind: 'dps'
      readonly idScope: string
      readonly registrationId: string
      /** Of the enrolment, which is the device's as well. */
      readonly key?: string
      readonly certificate?: AgentCertificate
    }

/** Reasons of the legacy agents' logs (security 07 §5). */
export class AgentAuthenticationError extends Error {
  override readonly name = 'AgentAuthenticationError'
  readonly reason: 'Not Found' | 'Unauthorized' | 'Other'

  constructor(status: number) {
    super(`the hub answered ${status}`)
    this.reason = status === 404 ? 'Not Found' : isDenied(status) ? 'Unauthorized' : 'Other'
  }
}

/** What the agent connects with, from what is on its disk; asks the hub where it has to. */
export async function obtainCredential(
  target: AgentTarget,
  ref: { readonly deviceId: string; readonly moduleId: string },
  option: CredentialOption,
): Promise<ModuleCredential> {
  switch (option.kind) {
    case 'module-key':
      return { ...ref, key: option.key }
    case 'module-certificate':
      return { ...ref, certificate: option.certificate }
    case 'device-key':
    case 'device-certificate':
      return { ...ref, key: await fetchModuleKey(target, ref, option) }
    case 'dps': {
      const { deviceId } = await lookUpAssignment(target, option)
      const own = { deviceId, moduleId: ref.moduleId }
      return { ...own, key: await fetchModuleKey(target, own, option) }
    }
  }
}

/** The request of security 07 §3, to the letter: the bare host is signed, no policy is named. */
export async function fetchModuleKey(
  target: AgentTarget,
  { deviceId, moduleId }: { readonly deviceId: string; readonly moduleId: string },
  own: { readonly key?: string; readonly certificate?: AgentCertificate },
): Promise<string> {
  const { status, body } = await exchange(target, {
    method: 'GET',
    path: `/devices/${deviceId}/modules/${moduleId}?api-version=2018-06-30`,
    headers: own.key ? { authorization: agentToken(target.hostName, own.key) } : {},
    ...own.certificate,
  })
  if (status !== 200) throw new AgentAuthenticationError(status)
  return JSON.parse(body).authentication.symmetricKey.primaryKey
}

export interface Assignment {
  readonly assignedHub: string
  readonly deviceId: string
  readonly lastUpdatedDateTimeUtc: string
}

/** Where the application's device is (security 07 §4): POST, an empty `skn`, a NUL after the body. */
export async function lookUpAssignment(
  target: AgentTarget,
  option: Extract<CredentialOption, { kind: 'dps' }>,
): Promise<Assignment> {
  const { idScope, registrationId, key, certificate } = option
  const resource = `${idScope}/registrations/${registrationId}`
  const content = Buffer.from(`${JSON.stringify({ registrationId })}\0`)
  const { status, body } = await exchange(
    target,
    {
      method: 'POST',
      path: `/${resource}?api-version=2019-03-31`,
      headers: {
        'content-type': 'application/json',
        'content-length': content.length,
        ...(key && { authorization: agentToken(encodeURIComponent(resource), key, '&skn=') }),
      },
      ...certificate,
    },
    content,
  )
  if (status !== 200) throw new AgentAuthenticationError(status)
  const state = JSON.parse(body)
  if (state.status !== 'assigned') throw new AgentAuthenticationError(status)
  return state
}

/** What the application does before its agent can look it up. */
export async function registerApplication(
  target: AgentTarget,
  option: Extract<CredentialOption, { kind: 'dps' }>,
): Promise<number> {
  const { idScope, registrationId, key, certificate } = option
  const resource = `${idScope}/registrations/${registrationId}`
  const content = Buffer.from(JSON.stringify({ registrationId }))
  const { status } = await exchange(
    target,
    {
      method: 'PUT',
      path: `/${resource}/register?api-version=2019-03-31`,
      headers: {
        'content-type': 'application/json',
        'content-length': content.length,
        ...(key && { authorization: agentToken(resource, key, '&skn=registration') }),
      },
      ...certificate,
    },
    content,
  )
  return status
}

function exchange(
  { hostName, httpsPort, ca }: AgentTarget,
  options: RequestOptions,
  content?: Buffer,
): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: hostName, port: httpsPort, ca, agent: false, ...options })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() })
      })
    })
    sent.end(content)
  })
}

function isDenied(status: number): boolean {
  return status === 401 || status === 403
}
