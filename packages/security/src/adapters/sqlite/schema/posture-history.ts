/** Scores by day. */
export const createPostureHistory = 'SELECT 1'
