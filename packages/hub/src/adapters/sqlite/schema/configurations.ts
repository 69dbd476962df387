/** Automatic configurations, and which twins hold them. */
export const createConfigurations = 'SELECT 1'
