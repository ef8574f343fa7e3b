/// Every operation the harness checks, by family; one list a file.
public let catalog: [OpEntry] = arithmeticEntries + viewEntries + reductionEntries + indexingEntries + searchingEntries
