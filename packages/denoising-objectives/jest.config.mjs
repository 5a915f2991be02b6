import { tensorProject } from '../../jest.preset.mjs';

export default tensorProject('denoising-objectives');
