import '@fontsource-variable/instrument-sans/wght.css';
import '@fontsource-variable/newsreader/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import './styles/ui.css';
import './styles/shell.css';
import './styles/pages.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { openSession } from './api/session';
import { loadSettings } from './api/settings';
import { App } from './app';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
await Promise.all([openSession(), loadSettings()]);
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
