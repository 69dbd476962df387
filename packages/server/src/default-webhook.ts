import { readFileSync } from 'node:fs'
import type { Settings } from './config/settings.ts'
import { StartError } from './start-error.ts'

interface DefaultWebhook {
  readonly url: string
  readonly secret?: string
  readonly ca?: string
}

/**
 * The webhook of the settings, as an option of the security service; none without an address.
 *
 * @throws {StartError} when its certificates cannot be read, or when there is a secret and no address
 */
export function defaultWebhook(settings: Settings): { readonly webhook?: DefaultWebhook } {
  const { webhookUrl: url, webhookSecret: secret, webhookCa } = settings
  if (url === undefined) {
    if (secret === undefined && webhookCa === undefined) return {}
    throw new StartError('webhookSecret and webhookCa say nothing without webhookUrl: set it too.')
  }
  const ca = webhookCa === undefined ? undefined : readCertificates(webhookCa)
  return {
    webhook: { url, ...(secret !== undefined && { secret }), ...(ca !== undefined && { ca }) },
  }
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new StartError(`The certificates of webhookCa cannot be read: ${reason}`)
  }
}
