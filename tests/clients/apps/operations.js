// The operations of every application here but Relay's, as text.

import accounts from './operations/accounts.graphql';
import approve from './operations/approve.graphql';
import changes from './operations/changes.graphql';
import connect from './operations/connect.graphql';
import finishConnect from './operations/finish-connect.graphql';
import preview from './operations/preview.graphql';
import progress from './operations/progress.graphql';
import timeline from './operations/timeline.graphql';
import undo from './operations/undo.graphql';

export const operations = { accounts, approve, changes, connect, finishConnect, preview, progress, timeline, undo };
