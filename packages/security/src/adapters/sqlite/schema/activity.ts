/** What devices did at the hub, counted in windows. */
export const createActivity = 'SELECT 1'
