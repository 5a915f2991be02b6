/** File names inside an installed build. */
export const addonFile = 'tfjs_binding.node';
export const startupAddonFile = 'startup.node';
export const functionsAddonFile = 'functions.node';
