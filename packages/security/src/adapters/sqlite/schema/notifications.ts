/** The feed of changed findings, and what is sent of it. */
export const createNotifications = 'SELECT 1'
