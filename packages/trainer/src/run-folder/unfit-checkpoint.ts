import { UserError } from '../user-error';

/** A checkpoint of another model, adapter or choice of what is trained: going on again would not help. */
export class UnfitCheckpoint extends UserError {}
