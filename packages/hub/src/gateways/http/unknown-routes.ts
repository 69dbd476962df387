import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'

/** Longest piece of a path that an answer repeats. */
const MAX_SHOWN_CHARACTERS = 256

interface KnownPath {
  readonly matches: RegExp
  readonly methods: Set<string>
}

/**
 * 404 for a path that nobody serves, 405 with `Allow` for one that is served by other methods. Routes
 * count that are added after this call.
 */
export function answerUnknownRoutes(app: FastifyInstance): void {
  const paths = new Map<string, KnownPath>()
  app.addHook('onRoute', ({ url, method }) => {
    const pattern = url.replace(/:[^/]+/g, ':')
    const known = paths.get(pattern) ?? { matches: matcher(url), methods: new Set() }
    for (const name of [method].flat()) known.methods.add(name)
    paths.set(pattern, known)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const matching = [...paths.values()].filter(({ matches }) => matches.test(path))
    const methods = new Set(matching.flatMap((known) => [...known.methods]))
    const shown = `${request.method} ${path.slice(0, MAX_SHOWN_CHARACTERS)}`
    if (methods.size === 0) throw new HubError('GenericNotFound', `No route ${shown}.`)
    reply.header('allow', [...methods].sort().join(', '))
    throw new HubError('GenericMethodNotAllowed', `No route ${shown}; see Allow.`)
  })
}

/** A route's path as a pattern: a parameter is one segment, a slash may end it. */
function matcher(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[^/]+'
    return segment === '*' ? '.*' : segment.replace(/[^\w-]/g, '\\$&')
  })
  return new RegExp(`^${segments.join('/').replace(/\/$/, '')}/?$`, 'i')
}
