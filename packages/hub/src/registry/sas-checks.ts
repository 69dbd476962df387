import { createHmac } from 'node:crypto'
import { type DeviceRef, percentDecode, type SasToken, sasStringToSign } from '@twinward/protocol'
import { signaturesMatch } from './policies.ts'

/** A primary and a secondary key; base64. */
export interface KeyPair {
  readonly primaryKey: string
  readonly secondaryKey: string
}

/** What a token is for: `{host}`, and the segments of the path below it. */
export interface Resource {
  readonly host: string
  readonly segments: readonly string[]
}

/** How ids compare: identity keys are the identity's own, so their tokens may be lower-cased (06 §3). */
export type CaseRule = 'exact' | 'any case'

/** @returns the key of the pair that signed the token */
export function signingKey(token: SasToken, keys: KeyPair): string | undefined {
  const text = sasStringToSign(token)
  // The primary key first, because nearly all use it. That the time tells which key it was helps
  // nobody: each comparison takes the same time however much of the signature is right.
  return [keys.primaryKey, keys.secondaryKey].find((key) =>
    signaturesMatch(token.signature, hmac(key, text)),
  )
}

/** As `signingKey`, for clients that sign with the text of the key, not with its bytes (13, quirk 20). */
export function signingKeyAsText(token: SasToken, keys: KeyPair): string | undefined {
  const text = sasStringToSign(token)
  return [keys.primaryKey, keys.secondaryKey].find((key) =>
    signaturesMatch(
      token.signature,
      createHmac('sha256', Buffer.from(key)).update(text).digest('base64'),
    ),
  )
}

/** Splits `sr`: encoded as a whole, as the SDKs do it, or not at all (06 §1). */
export function resourceOf({ resource }: SasToken): Resource {
  const text = resource.includes('/') ? resource : (percentDecode(resource) ?? '')
  const [host = '', ...segments] = text.split('/')
  return { host: percentDecode(host) ?? '', segments }
}

/** The segments that name a device or module: `devices`, `{d}`, `modules`, `{m}`. */
export function segmentsOf({ deviceId, moduleId }: DeviceRef): readonly string[] {
  return ['devices', deviceId, ...(moduleId === undefined ? [] : ['modules', moduleId])]
}

/** Whether `segments` are `wanted` or lead to it. Each may be encoded once more (06 §3). */
export function leadsTo(
  segments: readonly string[],
  wanted: readonly string[],
  rule: CaseRule,
): boolean {
  return (
    segments.length <= wanted.length &&
    segments.every((segment, index) => {
      const goal = wanted[index] ?? ''
      return isSame(segment, goal, rule) || isSame(percentDecode(segment), goal, rule)
    })
  )
}

function isSame(segment: string | undefined, goal: string, rule: CaseRule): boolean {
  if (segment === goal) return true
  return rule === 'any case' && segment?.toLowerCase() === goal.toLowerCase()
}

function hmac(keyBase64: string, text: string): string {
  return createHmac('sha256', Buffer.from(keyBase64, 'base64')).update(text).digest('base64')
}
