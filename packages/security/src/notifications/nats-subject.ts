import type { Delivery } from './delivery.ts'

/** What a subject's tokens may stand for. */
export const SUBJECT_PLACES: readonly string[] = ['{kind}', '{severity}', '{type}', '{device}']

/** Characters of one token of a subject. */
const MAX_TOKEN_CHARACTERS = 128

/** The subject that a notification is published on: its places filled, each with one plain token. */
export function natsSubject(template: string, delivery: Delivery): string {
  const { event, severity, type, deviceId } = delivery
  const values: { readonly [place: string]: string } = {
    '{kind}': event,
    '{severity}': severity,
    '{type}': type,
    '{device}': deviceId,
  }
  const fill = (token: string) =>
    Object.hasOwn(values, token) ? plain(values[token] ?? '') : token
  return template.split('.').map(fill).join('.')
}

/** A device can be called anything; dots, blanks and wildcards have a meaning in subjects. */
function plain(text: string): string {
  const token = text.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_TOKEN_CHARACTERS)
  return token === '' ? '-' : token
}
