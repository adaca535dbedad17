// The rules of graphql-eslint for schemas and for Relay. What is set otherwise than they recommend has its reason here; what stays as it is
// against a rule, in exceptions.json.
import graphql from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['schema.graphql'],
    languageOptions: { parser: graphql.parser, parserOptions: { graphQLConfig: { schema: 'schema.graphql' } } },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-recommended'].rules,
      ...graphql.configs['flat/schema-relay'].rules,
      // A list that is bounded by what it is, such as who took part in a mail, is a list. What grows is a connection.
      '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
      // What has no life of its own has no id: what a mutation answers, a page and its edges, and the values named here.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            suffixes: ['Payload', 'Connection', 'Edge'],
            types: [
              'AllDay', 'AnswerTimes', 'BatchCounts', 'BatchProgress', 'BlocklistEntry', 'Breaker', 'ContactSuggestion', 'Correspondent',
              'CountRange', 'Coverage', 'DayCount', 'DeletionPolicy', 'Evidence', 'HourCount', 'Identity', 'Insights', 'InteractionSource', 'Invitation', 'Item', 'MeetingFacts', 'PageInfo',
              'Participant', 'Preferences', 'Quota', 'Sample', 'SanitizedHtml', 'SearchHighlights', 'ServiceAccess', 'Shortcoming', 'Tally',
              'TextPiece', 'ThreadParticipant', 'Throughput', 'TimelineChange', 'UndoCount', 'UserError', 'Window',
              // What the provider calls by an id of its own, which is a text and not an ID: it is nobody's but that account's.
              'Calendar', 'Label',
            ],
          },
        },
      ],
      // Beyond what is recommended: everything is described, and each mutation has one input, named after it.
      '@graphql-eslint/require-description': [
        'error',
        { types: true, FieldDefinition: true, InputValueDefinition: true, EnumValueDefinition: true, DirectiveDefinition: true },
      ],
      '@graphql-eslint/input-name': ['error', { checkInputType: true, caseSensitiveInputType: false }],
      '@graphql-eslint/no-scalar-result-type-on-mutation': 'error',
      '@graphql-eslint/require-deprecation-reason': 'error',
    },
  },
];
