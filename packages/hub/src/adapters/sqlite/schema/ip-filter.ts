/** Which addresses may connect. */
export const createIpFilter = 'SELECT 1'
