/** The weighted sum of one image while it is made, and why it is missing where it is. */
export class ImageSum {
  #sum: number | undefined;
  #isMasked = false;
  #isWhole = true;
  #hasFailed = false;

  add(part: number): void {
    this.#sum = (this.#sum ?? 0) + part;
  }

  /** The image has no sum, whatever is added. */
  mask(byFailure: boolean): void {
    this.#isMasked = true;
    this.#hasFailed ||= byFailure;
  }

  /** The sum does without a term that it should have. */
  leaveOut(byFailure: boolean): void {
    this.#isWhole = false;
    this.#hasFailed ||= byFailure;
  }

  /** NaN where there is none: no term was added, or the image is masked. */
  get total(): number {
    return this.#isMasked ? Number.NaN : (this.#sum ?? Number.NaN);
  }

  /** NaN also where a term was left out. */
  get absolute(): number {
    return this.#isWhole ? this.total : Number.NaN;
  }

  get missing(): 'failed' | 'not-applicable' | undefined {
    if (!Number.isNaN(this.total)) return undefined;
    return this.#hasFailed ? 'failed' : 'not-applicable';
  }
}
