#!/bin/sh
# What curl has to say. `API` is the address, `TOKEN` the bearer token; the other variables are ids.
set -eu

# begin ask
ask() {
  curl --silent --show-error "$API" \
    --header "Authorization: Bearer $TOKEN" \
    --header 'Content-Type: application/json' \
    --data "$1"
}
ask '{ "query": "{ viewer { accounts { id email state } } }" }'
# end ask
echo
# begin cost
ask '{ "query": "{ timeline(first: 25) { nodes { subject } } }", "extensions": { "cost": true } }'
# end cost
echo
# begin watch
curl --silent --show-error --no-buffer "$API" \
  --header "Authorization: Bearer $TOKEN" \
  --header 'Content-Type: application/json' \
  --header 'Accept: text/event-stream' \
  --data '{
    "query": "subscription Progress($batchId: ID!, $after: Int) { batchProgress(batchId: $batchId, after: $after) { seq percent batch { state } } }",
    "variables": { "batchId": "'"$BATCH"'", "after": '"$SEEN"' }
  }'
# end watch
