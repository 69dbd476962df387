/** A module hook: imports see the `source` condition of the workspace's packages. */
export function resolve(specifier, context, next) {
  return next(specifier, { ...context, conditions: ['source', ...context.conditions] })
}
