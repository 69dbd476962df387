import { CommandError } from './command.ts'
import { noServer, type Target } from './target.ts'

const NOT_TRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
])

/** Why a server could not be talked to, and what to do: one sentence per cause. */
export function connectionError(
  error: unknown,
  target: Target,
  port: number = target.httpsPort,
): CommandError {
  return new CommandError(sentence(error, target, port), { cause: error })
}

function sentence(error: unknown, target: Target, port: number): string {
  const { code = '', message = '' } = error as { code?: string; message?: string }
  const { host, dataDir, tlsName } = target
  const where = `${host}:${port}`
  if (NOT_TRUSTED.has(code)) {
    return (
      `This machine does not trust the certificate of ${where}. Set NODE_EXTRA_CA_CERTS to the ` +
      "server's CA file; `twinward ca` prints its path where the server runs."
    )
  }
  switch (code) {
    case 'ECONNREFUSED':
      if (dataDir !== undefined) return noServer(dataDir)
      return `Nothing listens on ${where}. Start the server there, or correct --url.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `There is no host '${host}'. Correct --url or the HostName of --login.`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `${where} cannot be reached (${code}). Check the network, or correct --url.`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return (
        `The certificate of ${where} is not for '${tlsName}'. Use a name that it carries, or ` +
        `start the server with --hostname ${tlsName}.`
      )
    case 'CERT_HAS_EXPIRED':
      return `The certificate of ${where} has expired. Restart the server: it makes a new one.`
    case 'EPROTO':
    case 'ECONNRESET':
      return `${where} does not answer as a Twinward server would (${code}). Check the port.`
    default:
      return `${where} cannot be talked to: ${message || code}`
  }
}
