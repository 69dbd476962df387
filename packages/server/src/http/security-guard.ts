import type { Hub } from '@twinward/hub'
import type { ApiGuard } from '@twinward/security'

/**
 * Who may use the security API: tokens of a policy with `ServiceConnect`; privileged settings, which
 * can make an agent run code as root, need `RegistryWrite` as well.
 */
export function securityGuard({ authenticator }: Pick<Hub, 'authenticator'>): ApiGuard {
  return {
    use: async (request) => {
      const { authorization } = request.headers
      request.grant = authenticator.service({ authorization, path: request.url }, 'ServiceConnect')
    },
    caller: (request) => request.grant?.policyName ?? 'unknown',
    isPrivileged: (request) => request.grant?.rights.includes('RegistryWrite') ?? false,
  }
}
