/** Rollouts of configurations in waves. */
export const createRollouts = 'SELECT 1'
