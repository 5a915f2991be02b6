import { plainProject } from '../../jest.preset.mjs';

export default plainProject('federated-averaging');
